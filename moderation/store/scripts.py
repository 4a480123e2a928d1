"""The scripts that move comments. Each is one atomic, repeatable step of design section 4.

Every script declares one key, the tag of its shard (``{w:0}:``), and builds the others from it
through the functions that keys.py generates, so that a Cluster runs them in the right slot. The
time is an argument, in Unix milliseconds. Ids are short; ``''`` stands for "none".
"""

from __future__ import annotations

from moderation.store import keys

#: Solitary deaths of a worker after which a comment is quarantined.
FATAL_DEATHS = 3
#: Signatures of recent texts that are kept for each site.
NEAR_KEPT = 1000

_PRELUDE = (
    keys.lua()
    + f"""
local FATAL_DEATHS, NEAR_KEPT, DAY_MS = {FATAL_DEATHS}, {NEAR_KEPT}, 86400000
"""
    + """
local call = redis.call

local function split(pair)            -- 'bucket field' -> bucket, field
  local at = string.find(pair, ' ', 1, true)
  return string.sub(pair, 1, at - 1), string.sub(pair, at + 1)
end

local function count(site, status, by)
  call('HINCRBY', counts_key(), status, by)
  call('HINCRBY', counts_key(), site .. ':' .. status, by)
end

local function tally(site, day, field, by)
  if field == '' then return end
  local key = daily_key(site, day)
  call('HINCRBY', key, field, by)
  call('EXPIRE', key, 400 * 86400)
end

local function enqueue(id, site)      -- to its site's list, unless some list or lease holds it
  if call('HSETNX', comment_key(id), 'w', 1) == 0 then return end
  call('RPUSH', pending_key(site), id)
  call('ZADD', ring_key(), 'NX', call('INCR', turn_key()), site)
end

local function requeue(id, site)      -- from a lease back to its site's list
  call('HSET', comment_key(id), 'w', 1)
  call('RPUSH', pending_key(site), id)
  call('ZADD', ring_key(), 'NX', call('INCR', turn_key()), site)
end

local function wake()                 -- 1: the caller should enqueue a screening job
  if call('SET', wake_key(), 1, 'NX', 'PX', 3000) then return 1 end
  return 0
end

local function emit(id, site, revision, sequence, kind, now)
  if kind == '' then return end
  call('XADD', events_key(site), '*', 'y', kind, 'c', id, 'r', revision, 'n', sequence, 't', now)
  call('SADD', eventful_key(), site)
end

local function unhold(id)             -- a later change takes the place of what was not yet told
  call('ZREM', held_key(), id)
  call('HDEL', comment_key(id), 'he', 'un')
end

local function name_author(id, site, whos)      -- so that an author's comments can be found
  for _, who in ipairs(whos) do
    if who ~= '' then
      local bucket, field = split(who)
      local ids = call('HGET', author_key(site, bucket), field) or ''
      if not string.find(ids, id, 1, true) then
        call('HSET', author_key(site, bucket), field, ids .. id)
      end
    end
  end
end

local function unname_author(id, site, whos)
  for _, who in ipairs(whos) do
    if who ~= '' then
      local bucket, field = split(who)
      local ids, left = call('HGET', author_key(site, bucket), field) or '', {}
      for other in string.gmatch(ids, string.rep('.', 22)) do
        if other ~= id then left[#left + 1] = other end
      end
      if #left > 0 then call('HSET', author_key(site, bucket), field, table.concat(left))
      else call('HDEL', author_key(site, bucket), field) end
    end
  end
end

-- A new comment, pending, with every index that finds it; where it goes next is the caller's.
local function keep(id, site, doc, digest, ext, whos, now, day, created)
  call('HSET', comment_key(id), 's', site, 'st', 'pending', 'r', 1, 'v', 0, 'd', doc, 'g', digest,
    't', created, 'u', now)
  if ext ~= '' then
    local bucket, field = split(ext)
    call('HSET', external_key(site, bucket), field, id)
    call('HSET', comment_key(id), 'x', ext)
  end
  name_author(id, site, whos)
  call('RPUSH', day_key(site, day), id)
  call('ZADD', days_key(site), day, day)
  count(site, 'pending', 1)
  call('HINCRBY', counts_key(), 'accepted', 1)
  tally(site, day, 'accepted', 1)
end

-- The one place where a status changes: indexes, counters, history. Returns the new version.
local function move(id, site, old, new, now, by, reason, note)
  local key = comment_key(id)
  if old == 'flagged' then
    call('ZREM', queue_key(site), id)
    call('ZREM', waiting_key(site), id)
  end
  if new == 'flagged' then
    local rank = call('HGET', key, 'p') or '1'
    call('ZADD', queue_key(site), rank, id)
    call('ZADD', waiting_key(site), now, id)
  end
  count(site, old, -1)
  count(site, new, 1)
  local line = {old, new, by, reason, tonumber(now)}
  if note and note ~= '' then line[6] = note end
  local history = call('HGET', key, 'h')
  local entry = cjson.encode(line)
  call('HSET', key, 'st', new, 'u', now, 'h', history and (history .. '\\n' .. entry) or entry)
  return call('HINCRBY', key, 'v', 1)
end
"""
)

#: ACCEPT: store drafts as pending, all or none.
#: ARGV: now, day, site, cap, site cap, count, then per draft id, document, digest,
#: external 'bucket field', e-mail 'bucket field', address 'bucket field'.
#: Returns {'busy'|'site_busy'} or {'ok', wake, then outcome, id, status per draft}.
#: Atomic so that what is acknowledged is stored, counted, listed and findable, or nothing is.
ACCEPT = (
    _PRELUDE
    + """
local now, day, site, cap, share, n = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])

local function existing(id, ext)      -- the comment that this draft repeats, if any
  if call('EXISTS', comment_key(id)) == 1 then return id end
  if ext == '' then return nil end
  local bucket, field = split(ext)
  local known = call('HGET', external_key(site, bucket), field)
  if known and call('EXISTS', comment_key(known)) == 1 then return known end
  return nil
end

local fresh = 0
for i = 0, n - 1 do
  if not existing(ARGV[7 + i * 6], ARGV[10 + i * 6]) then fresh = fresh + 1 end
end
if fresh > 0 then
  local all = tonumber(call('HGET', counts_key(), 'pending') or 0)
  local own = tonumber(call('HGET', counts_key(), site .. ':pending') or 0)
  if all + fresh > cap then return {'busy'} end
  if own + fresh > share then return {'site_busy'} end
end

local reply = {'ok', 0}
for i = 0, n - 1 do
  local id, doc, digest, ext, email, address = unpack(ARGV, 7 + i * 6, 12 + i * 6)
  local known = existing(id, ext)
  if known then
    local st, g = unpack(call('HMGET', comment_key(known), 'st', 'g'))
    local outcome = (g == digest or known == id) and 'same' or 'conflict'
    reply[#reply + 1], reply[#reply + 2], reply[#reply + 3] = outcome, known, st
  else
    keep(id, site, doc, digest, ext, {email, address}, now, day, now)
    enqueue(id, site)
    reply[#reply + 1], reply[#reply + 2], reply[#reply + 3] = 'new', id, 'pending'
  end
end
if fresh > 0 then reply[2] = wake() end
return reply
"""
)

#: RECORD: store a draft that a door or an import has judged, settled or flagged.
#: ARGV: now, day, site, id, document, digest, external, e-mail, address, status, scores, priority,
#: by, reason, event ('' to tell nobody), daily field, repeat window in ms ('' for ever), created.
#: Returns {outcome, id, status}. Atomic so that a door never answers for what is not kept.
RECORD = (
    _PRELUDE
    + """
local now, day, site, id, doc, digest, ext, email, address = unpack(ARGV, 1, 9)
local status, scores, rank, by, reason, event, field, window, created = unpack(ARGV, 10, 18)
local known = call('EXISTS', comment_key(id)) == 1 and id
if not known and ext ~= '' then
  local bucket, name = split(ext)
  known = call('HGET', external_key(site, bucket), name)
  if known then
    local t = call('HGET', comment_key(known), 't')
    if not t or (window ~= '' and tonumber(t) + tonumber(window) < tonumber(now)) then known = false end
  end
end
if known then
  local st, g = unpack(call('HMGET', comment_key(known), 'st', 'g'))
  return {(g == digest or known == id) and 'same' or 'conflict', known, st}
end
keep(id, site, doc, digest, ext, {email, address}, now, day, created)
call('HSET', comment_key(id), 'p', rank)
if scores ~= '' then call('HSET', comment_key(id), 'sc', scores) end
local version = move(id, site, 'pending', status, now, by, reason, '')
tally(site, day, field, 1)
emit(id, site, 1, version, event, now)
return {'new', id, status}
"""
)

#: EDIT: make a document the next revision, pending again (in place while still pending).
#: ARGV: now, id, document, digest, by, event, e-mail, address.
#: Returns {'missing'}, {'same', 0} or {'ok', wake}.
#: Atomic so that the old text can no longer be approved once the new one is stored.
EDIT = (
    _PRELUDE
    + """
local now, id, doc, digest, by, event, email, address = unpack(ARGV)
local key = comment_key(id)
local site, st, g = unpack(call('HMGET', key, 's', 'st', 'g'))
if not st or st == 'erased' then return {'missing'} end
if g == digest and call('HEXISTS', key, 'd') == 1 then return {'same', 0} end
call('HSET', key, 'd', doc, 'g', digest)
name_author(id, site, {email, address})
call('HDEL', key, 'tx', 'sc')
local revision = call('HINCRBY', key, 'r', 1)
unhold(id)
if st ~= 'pending' then
  local version = move(id, site, st, 'pending', now, by, 'edited', '')
  emit(id, site, revision, version, event, now)
end
call('HDEL', deaths_key(), id)
enqueue(id, site)
return {'ok', wake()}
"""
)

#: ERASE: leave a tombstone of id, site, digest and time.
#: ARGV: now, id, by, event, e-mail, address, the author's eight bytes in NEAR.
#: Returns {'missing'|'already'|'ok'}.
#: Atomic so that no reader finds words in one place that are gone from another.
ERASE = (
    _PRELUDE
    + """
local now, id, by, event, email, address, near = unpack(ARGV)
local key = comment_key(id)
local site, st, r = unpack(call('HMGET', key, 's', 'st', 'r'))
if not st then return {'missing'} end
if st == 'erased' then return {'already'} end
unhold(id)
local version = move(id, site, st, 'erased', now, by, 'erased', '')
call('HDEL', key, 'd', 'sc', 'h', 'p', 'tx')
call('HDEL', deaths_key(), id)
call('DEL', kept_key(id))
call('ZREM', decided_key(site), id)
unname_author(id, site, {email, address})
if near ~= '' then
  for _, entry in ipairs(call('LRANGE', near_key(site), 0, -1)) do
    if string.sub(entry, 9) == near then call('LREM', near_key(site), 0, entry) end
  end
end
emit(id, site, r, version, event, now)
return {'ok'}
"""
)

#: TAKE: lease pending comments, a fair share from each site in turn, or one suspect alone.
#: ARGV: now, token, size, most bytes, lease ms.
#: Returns {more, suspect, then {id, site, revision, version, document, accepted, digest} each}.
#: Atomic so that a pending comment is always in exactly one list or lease.
TAKE = (
    _PRELUDE
    + """
local now, token, size, room, lease = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local reply, ids = {0, 0}, {}

local function lift(id)               -- put a popped id on the lease if it still wants a verdict
  local site, st, r, v, doc, t, g = unpack(call('HMGET', comment_key(id), 's', 'st', 'r', 'v', 'd', 't', 'g'))
  if st ~= 'pending' then
    if st then call('HDEL', comment_key(id), 'w') end
    call('HDEL', deaths_key(), id)
    return false
  end
  ids[#ids + 1] = id
  reply[#reply + 1] = {id, site, r, v, doc or '', t, g}
  room = room - #(doc or '')
  return true
end

local turn = call('INCR', turn_key())
local lonely = call('GET', suspect_lease_key())
local served = lonely and call('ZSCORE', leases_key(), lonely)
local idle = call('ZCARD', ring_key()) == 0
if not served and (turn % 2 == 0 or idle) then
  local id = call('LPOP', suspects_key())
  while id and not lift(id) do id = call('LPOP', suspects_key()) end
  if id then
    reply[2] = 1
    call('SET', suspect_lease_key(), token)
  end
end
if #ids == 0 then
  local waiting = call('ZCARD', ring_key())
  local share = math.ceil(size / math.max(waiting, 1))
  while #ids < size and room > 0 do
    local site = call('ZRANGE', ring_key(), 0, 0)[1]
    if not site then break end
    local own = 0
    while own < share and #ids < size and room > 0 do
      local id = call('LPOP', pending_key(site))
      if not id then break end
      if lift(id) then own = own + 1 end
    end
    if call('EXISTS', pending_key(site)) == 0 then call('ZREM', ring_key(), site)
    else call('ZADD', ring_key(), call('INCR', turn_key()), site) end
  end
end
if #ids > 0 then
  call('RPUSH', lease_key(token), unpack(ids))
  call('ZADD', leases_key(), now + lease, token)
end
if call('ZCARD', ring_key()) > 0 or (call('EXISTS', suspects_key()) == 1 and reply[2] == 0) then reply[1] = 1 end
return reply
"""
)

#: COMMIT: write verdicts, once, and end the lease.
#: ARGV: now, day, token, then per comment id, revision, status, scores, priority, by, reason,
#: event, daily field, NEAR entry.
#: Returns how many were written; -1 when the token is no longer on lease (late: nothing is done).
#: Atomic so that a verdict comes with its transition, queue entry, counters and event, or not at all.
COMMIT = (
    _PRELUDE
    + """
local now, day, token = ARGV[1], ARGV[2], ARGV[3]
if call('ZREM', leases_key(), token) == 0 then return -1 end
local ids = call('LRANGE', lease_key(token), 0, -1)
call('DEL', lease_key(token))
local suspect = call('GET', suspect_lease_key()) == token
if suspect then call('DEL', suspect_lease_key()) end
local judged, written = {}, 0
for i = 4, #ARGV, 10 do
  local id, revision, status, scores, rank, by, reason, event, field, near = unpack(ARGV, i, i + 9)
  judged[id] = true
  local key = comment_key(id)
  local site, st, r = unpack(call('HMGET', key, 's', 'st', 'r'))
  if st == 'pending' and r == revision then
    call('HDEL', key, 'w')
    call('HSET', key, 'p', rank)
    if scores ~= '' then call('HSET', key, 'sc', scores) end
    local version = move(id, site, st, status, now, by, reason, '')
    call('HDEL', deaths_key(), id)
    tally(site, day, field, 1)
    emit(id, site, r, version, event, now)
    if near ~= '' then
      call('LPUSH', near_key(site), near)
      call('LTRIM', near_key(site), 0, NEAR_KEPT - 1)
      call('EXPIRE', near_key(site), 86400)
    end
    written = written + 1
  elseif st == 'pending' then
    requeue(id, site)                 -- edited meanwhile: the new text has its own turn
  elseif st then
    call('HDEL', key, 'w')            -- decided or erased meanwhile: that stands
  end
end
for _, id in ipairs(ids) do
  if not judged[id] then              -- given back unjudged
    local site, st = unpack(call('HMGET', comment_key(id), 's', 'st'))
    if st == 'pending' then
      if suspect then call('LPUSH', suspects_key(), id) else requeue(id, site) end
    elseif st then call('HDEL', comment_key(id), 'w') end
  end
end
return written
"""
)

#: RECLAIM: take back leases that expired or, with a holder, those of a worker that died.
#: ARGV: now, day, holder, event of a quarantine. Returns the ids that were quarantined.
#: Atomic so that an id leaves its lease and enters a list, the suspects or the queue in one step.
RECLAIM = (
    _PRELUDE
    + """
local now, day, holder, event = unpack(ARGV)
local tokens = {}
if holder == '' then
  tokens = call('ZRANGEBYSCORE', leases_key(), '-inf', now)
else
  for _, token in ipairs(call('ZRANGE', leases_key(), 0, -1)) do
    if string.sub(token, 1, #holder + 1) == holder .. ':' then tokens[#tokens + 1] = token end
  end
end
local quarantined = {}
for _, token in ipairs(tokens) do
  local ids = call('LRANGE', lease_key(token), 0, -1)
  local lonely = call('GET', suspect_lease_key()) == token
  call('ZREM', leases_key(), token)
  call('DEL', lease_key(token))
  if lonely then call('DEL', suspect_lease_key()) end
  for _, id in ipairs(ids) do
    local key = comment_key(id)
    local site, st, r = unpack(call('HMGET', key, 's', 'st', 'r'))
    if st ~= 'pending' then
      if st then call('HDEL', key, 'w') end
      call('HDEL', deaths_key(), id)
    elseif holder ~= '' and lonely and call('HINCRBY', deaths_key(), id, 1) >= FATAL_DEATHS then
      call('HDEL', deaths_key(), id)
      call('HDEL', key, 'w', 'sc')
      call('HSET', key, 'p', 1)
      local version = move(id, site, st, 'flagged', now, 'winnow', 'unscored', '')
      tally(site, day, 'flag', 1)
      emit(id, site, r, version, event, now)
      quarantined[#quarantined + 1] = id
    elseif holder ~= '' or lonely then
      call('RPUSH', suspects_key(), id)
    else
      requeue(id, site)
    end
  end
end
return quarantined
"""
)

#: DECIDE: write a moderator's decision; its event is held until the undo window closes.
#: ARGV: now, day, id, decision, status, by, reason, note, version ('' for any), hold until, event.
#: Returns {'missing'}, {'stale', version}, {'illegal', status} or {'ok'}.
#: Atomic so that of two moderators one decides and the other is told.
DECIDE = (
    _PRELUDE
    + """
local now, day, id, decision, status, by, reason, note, seen, hold, event = unpack(ARGV)
local key = comment_key(id)
local site, st, v, r, doc, scores, rank = unpack(call('HMGET', key, 's', 'st', 'v', 'r', 'd', 'sc', 'p'))
if not st or st == 'erased' then return {'missing'} end
if seen ~= '' and seen ~= v then return {'stale', v} end
if st == status then return {'illegal', st} end
unhold(id)
local version = move(id, site, st, status, now, by, reason, note)
call('HSET', key, 'he', event, 'un', cjson.encode({st, rank or '', version}))
call('ZADD', held_key(), hold, id)
local kept = cjson.encode({decision, by, tonumber(now), reason, note, tonumber(r)})
call('HSET', kept_key(id), version, kept, version .. ':d', doc or '', version .. ':s', scores or '')
call('ZADD', decided_key(site), now, id)
tally(site, day, 'decided:' .. decision, 1)
return {'ok'}
"""
)

#: UNDO: take back the last decision while its event is held.
#: ARGV: now, day, id, by. Returns {'missing'}, {'late'} or {'ok', wake}.
#: Atomic so that either the blog hears of the decision or it is undone, never both.
UNDO = (
    _PRELUDE
    + """
local now, day, id, by = unpack(ARGV)
local key = comment_key(id)
local site, st, un = unpack(call('HMGET', key, 's', 'st', 'un'))
if not st or st == 'erased' then return {'missing'} end
local until_ms = call('ZSCORE', held_key(), id)
if not un or not until_ms or tonumber(until_ms) <= tonumber(now) then return {'late'} end
local old, rank, version = unpack(cjson.decode(un))
unhold(id)
if rank ~= '' then call('HSET', key, 'p', rank) end
move(id, site, st, old, now, by, 'undo', '')
local kept = call('HGET', kept_key(id), version)
if kept then
  call('HSET', kept_key(id), version .. ':u', 1)
  tally(site, day, 'decided:' .. cjson.decode(kept)[1], -1)
end
if old == 'pending' then
  enqueue(id, site)
  return {'ok', wake()}
end
return {'ok', 0}
"""
)

#: RELEASE: tell the events whose undo window has closed.
#: ARGV: now, most. Returns how many were told.
#: Atomic so that an event leaves the held set and enters the stream in one step.
RELEASE = (
    _PRELUDE
    + """
local now, most = ARGV[1], ARGV[2]
local ids = call('ZRANGEBYSCORE', held_key(), '-inf', now, 'LIMIT', 0, most)
for _, id in ipairs(ids) do
  local site, r, event, un = unpack(call('HMGET', comment_key(id), 's', 'r', 'he', 'un'))
  if event and un then emit(id, site, r, cjson.decode(un)[3], event, now) end
  unhold(id)
end
return #ids
"""
)

#: RETRY: make a flagged comment pending again, its deaths forgotten.
#: ARGV: now, id, by. Returns {'missing'}, {'illegal', status} or {'ok', wake}.
#: Atomic so that it leaves the queue and enters its site's list in one step.
RETRY = (
    _PRELUDE
    + """
local now, id, by = unpack(ARGV)
local site, st = unpack(call('HMGET', comment_key(id), 's', 'st'))
if not st or st == 'erased' then return {'missing'} end
if st ~= 'flagged' then return {'illegal', st} end
call('HDEL', deaths_key(), id)
move(id, site, st, 'pending', now, by, 'retry', '')
enqueue(id, site)
return {'ok', wake()}
"""
)

#: FORGET: let go of a comment's words, or of all of it, once its retention is over.
#: ARGV: id, settled before (ms), 'text' or 'all', e-mail, address. Returns 1 when it did.
#: Atomic so that a comment that was reopened meanwhile keeps its words.
FORGET = (
    _PRELUDE
    + """
local id, before, what, email, address = unpack(ARGV)
local key = comment_key(id)
local site, st, u, ext = unpack(call('HMGET', key, 's', 'st', 'u', 'x'))
if not st or st == 'pending' or tonumber(u) >= tonumber(before) then return 0 end
if call('ZSCORE', held_key(), id) then return 0 end
unname_author(id, site, {email, address})
if what == 'text' then
  if call('HDEL', key, 'd') == 0 then return 0 end
  call('HSET', key, 'tx', 1)
  return 1
end
if st == 'flagged' then
  call('ZREM', queue_key(site), id)
  call('ZREM', waiting_key(site), id)
end
if ext then
  local bucket, field = split(ext)
  if call('HGET', external_key(site, bucket), field) == id then call('HDEL', external_key(site, bucket), field) end
end
count(site, st, -1)
call('DEL', key, kept_key(id))
call('ZREM', decided_key(site), id)
return 1
"""
)
