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
#: Lines of a comment's history that are kept, the latest.
HISTORY_KEPT = 100
#: How many ids of an author stand in the index itself; more have a list of their own.
IDS_INLINE = 16

#: What every script begins with: keys, indexes and the moves of a comment.
PRELUDE = (
    keys.lua()
    + f"""
local FATAL_DEATHS, NEAR_KEPT = {FATAL_DEATHS}, {NEAR_KEPT}
local HISTORY_KEPT, IDS_INLINE = {HISTORY_KEPT}, {IDS_INLINE}
local LEVELS, FIRST, FACTOR, FULL = {keys.LEVELS}, {keys.FIRST_LEVEL}, {keys.LEVEL_FACTOR}, {keys.BUCKET_FULL}
"""
    + """
local call = redis.call

local DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

local function made(id)               -- when a comment was accepted, ms: the first bits of its id
  local ms = 0
  for i = 1, 8 do ms = ms * 64 + string.find(DIGITS, string.sub(id, i, i), 1, true) - 1 end
  return ms
end

local function last_move(id)          -- the last line of a comment's history, or nil
  local line = string.match(call('HGET', comment_key(id), 'h') or '', '[^\\n]+$')
  return line and cjson.decode(line)
end

-- Whether the last move was this very one: redis-py sends again what it got no answer to.
local function repeated(id, by, reason, now)
  local line = last_move(id)
  return line and line[2] == by and line[3] == reason and made(id) + line[4] == tonumber(now)
end

local sums                            -- while a script goes through many comments: key, field -> sum

local function add(key, field, by)
  if not sums then return call('HINCRBY', key, field, by) end
  local fields = sums[key] or {}
  fields[field] = (fields[field] or 0) + by
  sums[key] = fields
end

local function lasts(key) call('EXPIRE', key, 400 * 86400) end

local function add_up()               -- what that script must call before it ends
  for key, fields in pairs(sums) do
    for field, by in pairs(fields) do call('HINCRBY', key, field, by) end
    if key ~= counts_key() then lasts(key) end
  end
  sums = nil
end

local function count(site, status, by)
  add(counts_key(), status, by)
  add(counts_key(), site .. ':' .. status, by)
end

local function tally(site, day, field, by)
  if field == '' then return end
  local key = daily_key(site, day)
  add(key, field, by)
  if not sums then lasts(key) end
end

local function line_up(site, ids)     -- on the site's list, the site on the ring
  call('RPUSH', pending_key(site), unpack(ids))
  call('ZADD', ring_key(), 'NX', call('INCR', turn_key()), site)
end

local function enqueue(id, site)      -- to its site's list, unless some list or lease holds it
  if call('HSETNX', comment_key(id), 'w', 1) == 1 then line_up(site, {id}) end
end

local function requeue(id, site)      -- from a lease back to its site's list
  call('HSET', comment_key(id), 'w', 1)
  line_up(site, {id})
end

local function ring()                 -- a worker that listens looks again
  if call('LLEN', bell_key()) == 0 then call('RPUSH', bell_key(), 1) end
end

local function wake()                 -- 1: the caller should enqueue a screening job
  ring()
  if call('SET', wake_key(), 1, 'NX', 'PX', 3000) then return 1 end
  return 0
end

local function emit(id, site, revision, sequence, kind, now)
  if kind == '' then return end          -- 'comment.' goes without saying
  call('XADD', events_key(site), '*', 'y', string.sub(kind, 9), 'c', id, 'r', revision, 'n', sequence, 't', now)
  call('SADD', eventful_key(), site)
end

local function unhold(id)             -- a later change takes the place of what was not yet told
  call('ZREM', held_key(), id)
  call('HDEL', comment_key(id), 'he', 'un')
end

-- An index is a few levels of small hashes, each level with eight times the buckets of the one
-- before: a small site has few hashes, a large one none so large that Redis would unpack it. How
-- many levels it has come to is counted, so that nobody looks where nothing can be.
local tops = {}

local function top_of(site, name)
  local field = site .. ':' .. name
  if not tops[field] then
    local size, top = unpack(call('HMGET', counts_key(), field, field .. ':top'))
    tops[field] = tonumber(top or (size and LEVELS or 0))
  end
  return tops[field]
end

local function bucket_of(buckets, field)
  local a, b, c, d = string.byte(field, 1, 4)
  return buckets + ((a * 256 + b) * 65536 + c * 256 + d) % buckets
end

local function find(index, name, site, field)   -- the key and value of an entry, or nil
  local buckets = FIRST
  for _ = 1, top_of(site, name) do
    local key = index(site, bucket_of(buckets, field))
    local value = call('HGET', key, field)
    if value then return key, value end
    buckets = buckets * FACTOR
  end
end

local function insert(index, name, site, field, value)
  local top = top_of(site, name)
  local size = call('HINCRBY', counts_key(), site .. ':' .. name, 1)
  local buckets, level = FIRST, 1
  while level < LEVELS and size > buckets * FULL do
    buckets, level = buckets * FACTOR, level + 1
  end
  if level > top then
    tops[site .. ':' .. name] = level
    call('HSET', counts_key(), site .. ':' .. name .. ':top', level)
  end
  call('HSET', index(site, bucket_of(buckets, field)), field, value)
end

local function drop(key, name, site, field)
  call('HDEL', key, field)
  call('HINCRBY', counts_key(), site .. ':' .. name, -1)
end

local function hex(field)
  return (string.gsub(field, '.', function(byte) return string.format('%02x', string.byte(byte)) end))
end

local function index_author(id, site, who)
  local key, ids = find(author_key, 'authors', site, who)
  if not key then insert(author_key, 'authors', site, who, id)
  elseif ids == '+' then call('RPUSH', authored_key(site, hex(who)), id)
  elseif #ids < IDS_INLINE * 22 then call('HSET', key, who, ids .. id)
  else
    for other in string.gmatch(ids .. id, string.rep('.', 22)) do
      call('RPUSH', authored_key(site, hex(who)), other)
    end
    call('HSET', key, who, '+')
  end
end

local function name_author(id, site, whos)      -- so that an author's comments can be found
  local named = call('HGET', comment_key(id), 'a') or ''
  for _, who in ipairs(whos) do
    local new = who ~= ''
    for at = 1, #named, 8 do new = new and string.sub(named, at, at + 7) ~= who end
    if new then
      named = named .. who
      call('HSET', comment_key(id), 'a', named)
      index_author(id, site, who)
    end
  end
end

local function unname_author(id, site)
  local named = call('HGET', comment_key(id), 'a') or ''
  for at = 1, #named, 8 do
    local who = string.sub(named, at, at + 7)
    local key, ids = find(author_key, 'authors', site, who)
    if ids == '+' then
      call('LREM', authored_key(site, hex(who)), 1, id)
      if call('EXISTS', authored_key(site, hex(who))) == 0 then drop(key, 'authors', site, who) end
    elseif ids then
      local left = {}
      for other in string.gmatch(ids, string.rep('.', 22)) do
        if other ~= id then left[#left + 1] = other end
      end
      if #left > 0 then call('HSET', key, who, table.concat(left))
      else drop(key, 'authors', site, who) end
    end
  end
  call('HDEL', comment_key(id), 'a')
end

-- A new comment, pending, found by its external id and its author. *waits* says that it is on its
-- site's list; *entry* is the key of the index where its external id stands already.
local function keep(id, site, doc, digest, ext, entry, email, address, waits)
  local fields = {'s', site, 'st', 'pending', 'r', 1, 'v', 0, 'd', doc, 'g', digest}
  local function also(field, value) fields[#fields + 1], fields[#fields + 2] = field, value end
  if waits then also('w', 1) end
  if ext ~= '' then also('x', ext) end
  if address == email then address = '' end
  if email ~= '' or address ~= '' then also('a', email .. address) end
  call('HSET', comment_key(id), unpack(fields))
  if entry then call('HSET', entry, ext, id)    -- the comment of that id is gone, or too old to count
  elseif ext ~= '' then insert(external_key, 'externals', site, ext, id) end
  if email ~= '' then index_author(id, site, email) end
  if address ~= '' then index_author(id, site, address) end
end

-- What is counted and listed of new comments, once for all of them.
local function kept(ids, site, day)
  call('RPUSH', day_key(site, day), unpack(ids))
  call('ZADD', days_key(site), day, day)
  count(site, 'pending', #ids)
  call('HINCRBY', counts_key(), 'accepted', #ids)
  tally(site, day, 'accepted', #ids)
end

-- Keep what the decisions on this revision were made on, before its text or scores change.
local function preserve(id)
  local key = comment_key(id)
  local h, v, r, doc, scores = unpack(call('HMGET', key, 'h', 'v', 'r', 'd', 'sc'))
  local lines = {}
  for line in string.gmatch(h or '', '[^\\n]+') do lines[#lines + 1] = cjson.decode(line) end
  for at, line in ipairs(lines) do
    local version = v - #lines + at
    if line[6] == tonumber(r) and call('HEXISTS', kept_key(id), version .. ':d') == 0 then
      call('HSET', kept_key(id), version .. ':d', doc or '', version .. ':s', scores or '')
    end
  end
end

-- The one place where a status changes: indexes, counters, history. Returns the new version.
-- *rank* is needed for what becomes flagged, *revision* says that this is a decision on it.
local function move(id, site, old, new, now, by, reason, note, rank, revision)
  local key = comment_key(id)
  if old == 'flagged' then
    call('ZREM', queue_key(site), id)
    call('ZREM', waiting_key(site), id)
    call('HDEL', key, 'p')
  end
  if new == 'flagged' then
    if not rank or rank == '' then rank = 1 end
    call('HSET', key, 'p', rank)
    call('ZADD', queue_key(site), rank, id)
    call('ZADD', waiting_key(site), now, id)
  end
  count(site, old, -1)
  count(site, new, 1)
  local line = {string.sub(old, 1, 1) .. string.sub(new, 1, 1), by, reason, tonumber(now) - made(id)}
  if revision then line[5], line[6] = note, tonumber(revision)
  elseif note ~= '' then line[5] = note end
  local version = call('HINCRBY', key, 'v', 1)
  local history = call('HGET', key, 'h')
  if history and version > HISTORY_KEPT then
    history = string.sub(history, string.find(history, '\\n', 1, true) + 1)
  end
  local entry = cjson.encode(line)
  call('HSET', key, 'st', new, 'h', history and (history .. '\\n' .. entry) or entry)
  return version
end
"""
)

#: ACCEPT: store drafts as pending, all or none.
#: ARGV: now, day, site, cap, site cap, count, then per draft id, document, digest,
#: external id, e-mail, address: eight bytes of a digest each, or ''.
#: Returns {'busy'|'site_busy'} or {'ok', wake, then outcome, id, status per draft}.
#: Atomic so that what is acknowledged is stored, counted, listed and findable, or nothing is.
ACCEPT = (
    PRELUDE
    + """
local now, day, site, cap, share, n = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])

local function existing(id, ext)      -- the comment that this draft repeats, or its id's old entry
  if call('EXISTS', comment_key(id)) == 1 then return id end
  if ext == '' then return nil end
  local entry, known = find(external_key, 'externals', site, ext)
  if known and call('EXISTS', comment_key(known)) == 1 then return known end
  return nil, entry
end

local all = tonumber(call('HGET', counts_key(), 'pending') or 0)
local own = tonumber(call('HGET', counts_key(), site .. ':pending') or 0)
if all + n > cap or own + n > share then        -- near the limit, repeats are told from new ones
  local fresh = 0
  for i = 0, n - 1 do
    if not existing(ARGV[7 + i * 6], ARGV[10 + i * 6]) then fresh = fresh + 1 end
  end
  if fresh > 0 and all + fresh > cap then return {'busy'} end
  if fresh > 0 and own + fresh > share then return {'site_busy'} end
end

local reply, fresh = {'ok', 0}, {}
for i = 0, n - 1 do
  local id, doc, digest, ext, email, address = unpack(ARGV, 7 + i * 6, 12 + i * 6)
  local known, entry = existing(id, ext)
  if known then
    local st, g = unpack(call('HMGET', comment_key(known), 'st', 'g'))
    local outcome = (not g or g == digest or known == id) and 'same' or 'conflict'
    reply[#reply + 1], reply[#reply + 2], reply[#reply + 3] = outcome, known, st
  else
    keep(id, site, doc, digest, ext, entry, email, address, true)
    fresh[#fresh + 1] = id
    reply[#reply + 1], reply[#reply + 2], reply[#reply + 3] = 'new', id, 'pending'
  end
end
if #fresh > 0 then
  kept(fresh, site, day)
  line_up(site, fresh)
  reply[2] = wake()
end
return reply
"""
)

#: RECORD: store a draft that a door has judged or an import brings in, settled or flagged.
#: ARGV: now, day, site, id, document, digest, external, e-mail, address, status, scores, priority,
#: by, reason, event ('' to tell nobody), daily field, repeat window in ms ('' for ever), decision
#: ('' when the machine settled it).
#: Returns {outcome, id, status}. Atomic so that a door never answers for what is not kept.
RECORD = (
    PRELUDE
    + """
local now, day, site, id, doc, digest, ext, email, address = unpack(ARGV, 1, 9)
local status, scores, rank, by, reason, event, field, window, decision = unpack(ARGV, 10, 18)
local known, entry, before = call('EXISTS', comment_key(id)) == 1 and id
if not known and ext ~= '' then
  entry, before = find(external_key, 'externals', site, ext)
  local recent = before and (window == '' or made(before) + tonumber(window) >= tonumber(now))
  known = recent and call('EXISTS', comment_key(before)) == 1 and before
end
if known then
  local st, g = unpack(call('HMGET', comment_key(known), 'st', 'g'))
  return {(not g or g == digest or known == id) and 'same' or 'conflict', known, st}
end
keep(id, site, doc, digest, ext, entry, email, address, false)
kept({id}, site, day)
if scores ~= '' then call('HSET', comment_key(id), 'sc', scores) end
local version = move(id, site, 'pending', status, now, by, reason, '', rank, decision ~= '' and 1 or nil)
tally(site, day, field, 1)
if decision ~= '' then
  call('LPUSH', decided_key(site), id)
  tally(site, day, 'decided:' .. decision, 1)
end
emit(id, site, 1, version, event, now)
return {'new', id, status}
"""
)

#: EDIT: make a document the next revision, pending again (in place while still pending).
#: ARGV: now, id, document, digest, by, event, e-mail, address.
#: Returns {'missing'}, {'same', 0} or {'ok', wake}.
#: Atomic so that the old text can no longer be approved once the new one is stored.
EDIT = (
    PRELUDE
    + """
local now, id, doc, digest, by, event, email, address = unpack(ARGV)
local key = comment_key(id)
local site, st, g = unpack(call('HMGET', key, 's', 'st', 'g'))
if not st or st == 'erased' then return {'missing'} end
if g == digest and call('HEXISTS', key, 'd') == 1 then return {'same', 0} end
preserve(id)
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
#: ARGV: now, id, by, event, the author's eight bytes in NEAR.
#: Returns {'missing'|'already'|'ok'}.
#: Atomic so that no reader finds words in one place that are gone from another.
ERASE = (
    PRELUDE
    + """
local now, id, by, event, near = unpack(ARGV)
local key = comment_key(id)
local site, st, r = unpack(call('HMGET', key, 's', 'st', 'r'))
if not st then return {'missing'} end
if st == 'erased' then return {'already'} end
unhold(id)
local version = move(id, site, st, 'erased', now, by, 'erased', '')
call('HDEL', key, 'd', 'sc', 'h', 'tx')
call('HSET', key, 'u', now)
call('HDEL', deaths_key(), id)
call('DEL', kept_key(id))
unname_author(id, site)
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
#: Returns {more, suspect, then {id, site, revision, version, document, digest} each}; a token that
#: holds a lease already is given that lease again.
#: Atomic so that a pending comment is always in exactly one list or lease.
TAKE = (
    PRELUDE
    + """
local now, token, size, room, lease = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local reply, ids = {0, 0}, {}

local function lift(id)               -- put a popped id on the lease if it still wants a verdict
  local site, st, r, v, doc, g = unpack(call('HMGET', comment_key(id), 's', 'st', 'r', 'v', 'd', 'g'))
  if st ~= 'pending' then
    if st then call('HDEL', comment_key(id), 'w') end
    call('HDEL', deaths_key(), id)
    return false
  end
  ids[#ids + 1] = id
  reply[#reply + 1] = {id, site, r, v, doc or '', g}
  room = room - #(doc or '')
  return true
end

local function ending()               -- the reply, told whether there is more to do
  if call('ZCARD', ring_key()) > 0 or (call('EXISTS', suspects_key()) == 1 and reply[2] == 0) then
    reply[1] = 1
    ring()
  end
  return reply
end

local mine = call('LRANGE', lease_key(token), 0, -1)
if #mine > 0 then
  for _, id in ipairs(mine) do
    local site, st, r, v, doc, g = unpack(call('HMGET', comment_key(id), 's', 'st', 'r', 'v', 'd', 'g'))
    if st == 'pending' then reply[#reply + 1] = {id, site, r, v, doc or '', g} end
  end
  if call('GET', suspect_lease_key()) == token then reply[2] = 1 end
  return ending()
end

local function take_suspect()         -- one alone, unless another worker has one
  local lonely = call('GET', suspect_lease_key())
  if lonely and call('ZSCORE', leases_key(), lonely) then return end
  local id = call('LPOP', suspects_key())
  while id and not lift(id) do id = call('LPOP', suspects_key()) end
  if id then
    reply[2] = 1
    call('SET', suspect_lease_key(), token)
  end
end

local function take_in_turn()         -- a fair share from each site that waits
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

if call('INCR', turn_key()) % 2 == 0 then take_suspect() end
if #ids == 0 then take_in_turn() end
if #ids == 0 then take_suspect() end
if #ids > 0 then
  call('RPUSH', lease_key(token), unpack(ids))
  call('ZADD', leases_key(), now + lease, token)
end
return ending()
"""
)

#: COMMIT: write verdicts, once, and end the lease.
#: ARGV: now, day, token, then per comment id, revision, status, scores, priority, by, reason,
#: event, daily field, NEAR entry.
#: Returns how many were written; -1 when the token is no longer on lease (late: nothing is done).
#: Atomic so that a verdict comes with its transition, queue entry, counters and event, or not at all.
COMMIT = (
    PRELUDE
    + """
local now, day, token = ARGV[1], ARGV[2], ARGV[3]
if call('ZREM', leases_key(), token) == 0 then return -1 end
local ids = call('LRANGE', lease_key(token), 0, -1)
call('DEL', lease_key(token))
local suspect = call('GET', suspect_lease_key()) == token
if suspect then call('DEL', suspect_lease_key()) end
local judged, written, seen = {}, 0, {}
sums = {}
for i = 4, #ARGV, 10 do
  local id, revision, status, scores, rank, by, reason, event, field, near = unpack(ARGV, i, i + 9)
  judged[id] = true
  local key = comment_key(id)
  local site, st, r = unpack(call('HMGET', key, 's', 'st', 'r'))
  if st == 'pending' and r == revision then
    call('HDEL', key, 'w')
    if scores ~= '' then call('HSET', key, 'sc', scores) end
    local version = move(id, site, st, status, now, by, reason, '', rank)
    call('HDEL', deaths_key(), id)
    tally(site, day, field, 1)
    emit(id, site, r, version, event, now)
    if near ~= '' then
      seen[site] = seen[site] or {}
      table.insert(seen[site], near)
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
for site, entries in pairs(seen) do
  call('LPUSH', near_key(site), unpack(entries))
  call('LTRIM', near_key(site), 0, NEAR_KEPT - 1)
  call('EXPIRE', near_key(site), 86400)
end
add_up()
return written
"""
)

#: RECLAIM: take back leases that expired or, with a holder, those of a worker that died.
#: ARGV: now, day, holder, event of a quarantine, when the latest lease can end. Returns the ids that were quarantined.
#: Atomic so that an id leaves its lease and enters a list, the suspects or the queue in one step.
RECLAIM = (
    PRELUDE
    + """
local now, day, holder, event, latest = unpack(ARGV)
local tokens = {}
if holder == '' then
  tokens = call('ZRANGEBYSCORE', leases_key(), '-inf', now)
  for _, token in ipairs(call('ZRANGEBYSCORE', leases_key(), '(' .. latest, '+inf')) do
    tokens[#tokens + 1] = token
  end
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
if #tokens > 0 then ring() end
return quarantined
"""
)

#: DECIDE: write a moderator's decision; its event is held until the undo window closes.
#: ARGV: now, day, id, decision, status, by, reason, note, version ('' for any), hold until, event.
#: Returns {'missing'}, {'stale', version}, {'illegal', status} or {'ok'}.
#: Atomic so that of two moderators one decides and the other is told.
DECIDE = (
    PRELUDE
    + """
local now, day, id, decision, status, by, reason, note, seen, hold, event = unpack(ARGV)
local key = comment_key(id)
local site, st, v, r, rank = unpack(call('HMGET', key, 's', 'st', 'v', 'r', 'p'))
if not st or st == 'erased' then return {'missing'} end
if st == status and repeated(id, by, reason, now) then return {'ok'} end
if seen ~= '' and seen ~= v then return {'stale', v} end
if st == status then return {'illegal', st} end
unhold(id)
local version = move(id, site, st, status, now, by, reason, note, nil, r)
call('HSET', key, 'he', event, 'un', cjson.encode({st, rank or '', version, decision}))
call('ZADD', held_key(), hold, id)
call('LPUSH', decided_key(site), id)
tally(site, day, 'decided:' .. decision, 1)
return {'ok'}
"""
)

#: UNDO: take back the last decision while its event is held.
#: ARGV: now, day, id, by. Returns {'missing'}, {'late'} or {'ok', wake}.
#: Atomic so that either the blog hears of the decision or it is undone, never both.
UNDO = (
    PRELUDE
    + """
local now, day, id, by = unpack(ARGV)
local key = comment_key(id)
local site, st, un = unpack(call('HMGET', key, 's', 'st', 'un'))
if not st or st == 'erased' then return {'missing'} end
local until_ms = call('ZSCORE', held_key(), id)
if not un and repeated(id, by, 'undo', now) then return {'ok', 0} end
if not un or not until_ms or tonumber(until_ms) <= tonumber(now) then return {'late'} end
local old, rank, _, decision = unpack(cjson.decode(un))
unhold(id)
move(id, site, st, old, now, by, 'undo', '', rank)
tally(site, day, 'decided:' .. decision, -1)
if old == 'pending' then
  preserve(id)
  enqueue(id, site)
  return {'ok', wake()}
end
return {'ok', 0}
"""
)

#: RELEASE: tell the events whose undo window has closed.
#: ARGV: now, most, when the latest window can close. Returns how many were told.
#: Atomic so that an event leaves the held set and enters the stream in one step.
RELEASE = (
    PRELUDE
    + """
local now, most, latest = unpack(ARGV)
local ids = call('ZRANGEBYSCORE', held_key(), '-inf', now, 'LIMIT', 0, most)
if #ids == 0 then ids = call('ZRANGEBYSCORE', held_key(), '(' .. latest, '+inf', 'LIMIT', 0, most) end
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
    PRELUDE
    + """
local now, id, by = unpack(ARGV)
local site, st = unpack(call('HMGET', comment_key(id), 's', 'st'))
if not st or st == 'erased' then return {'missing'} end
if st == 'pending' and repeated(id, by, 'retry', now) then return {'ok', 0} end
if st ~= 'flagged' then return {'illegal', st} end
call('HDEL', deaths_key(), id)
preserve(id)
move(id, site, st, 'pending', now, by, 'retry', '')
enqueue(id, site)
return {'ok', wake()}
"""
)

#: FORGET: let go of a comment's words, or of all of it, once its retention is over.
#: ARGV: id, settled before (ms), 'text' or 'all', the verdict without scores ('' for none).
#: Returns 1 when it did.
#: Atomic so that a comment that was reopened meanwhile keeps its words.
FORGET = (
    PRELUDE
    + """
local id, before, what, verdict = unpack(ARGV)
local key = comment_key(id)
local site, st, u, ext = unpack(call('HMGET', key, 's', 'st', 'u', 'x'))
if not st or st == 'pending' then return 0 end
if not u then
  local line = last_move(id)
  u = made(id) + (line and line[4] or 0)
end
if tonumber(u) >= tonumber(before) then return 0 end
if call('ZSCORE', held_key(), id) then return 0 end
unname_author(id, site)
if what == 'text' then
  if call('HDEL', key, 'd') == 0 then return 0 end
  call('HDEL', key, 'g', 'sc')
  call('HSET', key, 'tx', 1)
  if verdict ~= '' then call('HSET', key, 'sc', verdict) end
  call('DEL', kept_key(id))
  return 1
end
if st == 'flagged' then
  call('ZREM', queue_key(site), id)
  call('ZREM', waiting_key(site), id)
end
if ext then
  local index, known = find(external_key, 'externals', site, ext)
  if known == id then drop(index, 'externals', site, ext) end
end
count(site, st, -1)
call('DEL', key, kept_key(id))
for _ = 1, 100 do                     -- decisions on comments that are gone, the oldest first
  local oldest = call('LINDEX', decided_key(site), -1)
  if not oldest or call('EXISTS', comment_key(oldest)) == 1 then break end
  call('RPOP', decided_key(site))
end
return 1
"""
)
