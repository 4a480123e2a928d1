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
#: What of each: the signature (8 bytes), its author's (8), its comment's id (16).
NEAR_BYTES = 32
#: Lines of a comment's history that are kept, the latest.
HISTORY_KEPT = 100
#: How many ids of an author stand in the index itself; more have a list of their own.
IDS_INLINE = 16

#: An index begins with so many buckets, and has one for each so many entries: with fewer, the keys
#: weigh more than what they hold; with more, Redis goes through a page of memory for each look.
FIRST_BUCKETS, BUCKET_ENTRIES = 16, 48

#: What every script begins with: keys, indexes and the moves of a comment.
PRELUDE = (
    keys.lua()
    + f"""
local FATAL_DEATHS, NEAR_KEPT, NEAR_BYTES = {FATAL_DEATHS}, {NEAR_KEPT}, {NEAR_BYTES}
local HISTORY_KEPT, IDS_INLINE = {HISTORY_KEPT}, {IDS_INLINE}
local FIRST, FULL = {FIRST_BUCKETS}, {BUCKET_ENTRIES}
"""
    + """
local call = redis.call

local DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

local function made(id)               -- when a comment was accepted, ms: the first bits of its id
  local ms = 0
  for i = 1, 8 do ms = ms * 64 + string.find(DIGITS, string.sub(id, i, i), 1, true) - 1 end
  return ms
end

local LETTER, STATUS = {}, {}         -- a status is stored as its first letter
for _, status in ipairs({'pending', 'approved', 'flagged', 'rejected', 'spam', 'erased'}) do
  LETTER[status], STATUS[string.sub(status, 1, 1)] = string.sub(status, 1, 1), status
end

-- What stands in very many comments, their site and their model, stands there as a number: a digest
-- of the text, so that data set up anew gives it the same one and no process has to ask twice.
local numbers, texts = {}, {}

local function number_of(text)
  local number = numbers[text] or tonumber(call('HGET', terms_key(), text) or nil)
  if not number then
    number = tonumber(string.sub(redis.sha1hex(text), 1, 5), 16)
    while call('HSETNX', terms_key(), '#' .. number, text) == 0 do number = number + 1 end
    call('HSET', terms_key(), text, number)
  end
  numbers[text] = number
  return number
end

local function text_of(number)
  texts[number] = texts[number] or call('HGET', terms_key(), '#' .. number)
  return texts[number]
end

local function look(id)               -- a comment as it stands, or nil
  local s, st, r, v, h = unpack(call('HMGET', comment_key(id), 's', 'st', 'r', 'v', 'h'))
  if not st then return nil end
  return {id = id, site = text_of(s), st = STATUS[st], r = r or '1', v = tonumber(v or 0), h = h}
end

-- Whether the last move was this very one: redis-py sends again what it got no answer to.
local function repeated(c, by, reason, now)
  local line = string.match(c.h or '', '[^\\n]+$')
  line = line and cjson.decode(line)
  return line and line[2] == by and line[3] == reason and made(c.id) + line[4] == tonumber(now)
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

local eventful = {}

local function emit(c, kind, now, sequence)
  if kind == '' then return end       -- 'comment.' goes without saying
  local told = table.concat({c.id, c.r, sequence or c.v, now}, ' ')
  call('XADD', events_key(c.site), '*', string.sub(kind, 9), told)
  if not eventful[c.site] then call('SADD', eventful_key(), c.site) end
  eventful[c.site] = true
end

local function unhold(id)             -- a later change takes the place of what was not yet told
  call('ZREM', held_key(), id)
  call('HDEL', comment_key(id), 'he', 'un')
end

-- An index is spread over small hashes, which Redis packs tightly, by linear hashing (Litwin, 1980):
-- when there are more than FULL entries for each bucket, one bucket more takes half of another's.
-- *whole* is the greatest power of two (times FIRST) that is not more than the buckets.
local KEY_OF, indexes = {externals = external_key, authors = author_key}, {}

local function index_of(site, name)
  local field = site .. ':' .. name
  if not indexes[field] then
    local size, buckets = unpack(call('HMGET', counts_key(), field, field .. ':buckets'))
    local index = {site = site, key_of = KEY_OF[name], field = field, whole = FIRST}
    index.size, index.buckets = tonumber(size or 0), tonumber(buckets or FIRST)
    while index.whole * 2 <= index.buckets do index.whole = index.whole * 2 end
    indexes[field] = index
  end
  return indexes[field]
end

local function number_in(entry)       -- its first 32 bits: entries are digests
  local a, b, c, d = string.byte(entry, 1, 4)
  return ((a * 256 + b) * 256 + c) * 256 + d
end

local function bucket_of(index, entry)
  local bucket = number_in(entry) % (index.whole * 2)
  if bucket >= index.buckets then bucket = bucket - index.whole end
  return index.key_of(index.site, bucket)
end

local function pour(from, to, moved, gone)
  if #gone == 0 then return end
  call('HSET', to, unpack(moved))
  call('HDEL', from, unpack(gone))
end

local function split(index)           -- one bucket more, with half of what its fellow has
  local new = index.buckets
  local from, to = index.key_of(index.site, new - index.whole), index.key_of(index.site, new)
  local all, moved, gone = call('HGETALL', from), {}, {}
  for i = 1, #all, 2 do
    if number_in(all[i]) % (index.whole * 2) == new then
      moved[#moved + 1], moved[#moved + 2], gone[#gone + 1] = all[i], all[i + 1], all[i]
      if #gone == 500 then            -- Lua unpacks only some thousands
        pour(from, to, moved, gone)
        moved, gone = {}, {}
      end
    end
  end
  pour(from, to, moved, gone)
  index.buckets = new + 1
  if index.buckets == index.whole * 2 then index.whole = index.buckets end
  call('HSET', counts_key(), index.field .. ':buckets', index.buckets)
end

local function counted(index, by)     -- that it has so many entries more
  index.size = index.size + by
  add(counts_key(), index.field, by)
  if index.size > index.buckets * FULL then split(index) end
end

local function find(index, entry) return call('HGET', bucket_of(index, entry), entry) end

local function insert(index, entry, value)      -- in the place of what stood there
  if call('HSET', bucket_of(index, entry), entry, value) == 1 then counted(index, 1) end
end

local function drop(index, entry)
  if call('HDEL', bucket_of(index, entry), entry) == 1 then counted(index, -1) end
end

local function hex(field)
  return (string.gsub(field, '.', function(byte) return string.format('%02x', string.byte(byte)) end))
end

local function index_author(id, site, who)
  local index = index_of(site, 'authors')
  local key = bucket_of(index, who)
  if call('HSETNX', key, who, id) == 1 then return counted(index, 1) end
  local ids = call('HGET', key, who)
  if ids == '+' then call('RPUSH', authored_key(site, hex(who)), id)
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

local function without(ids, id)
  local left = {}
  for other in string.gmatch(ids, string.rep('.', 22)) do
    if other ~= id then left[#left + 1] = other end
  end
  return table.concat(left)
end

local function unname_author(id, site)
  local named = call('HGET', comment_key(id), 'a') or ''
  for at = 1, #named, 8 do
    local who = string.sub(named, at, at + 7)
    local index, ids = index_of(site, 'authors'), find(index_of(site, 'authors'), who)
    if ids == '+' then
      call('LREM', authored_key(site, hex(who)), 1, id)
      if call('EXISTS', authored_key(site, hex(who))) == 0 then drop(index, who) end
    elseif ids == id then drop(index, who)
    elseif ids then insert(index, who, without(ids, id)) end
  end
  call('HDEL', comment_key(id), 'a')
end

local function note_near(site, entries) -- in the place of the oldest
  local at = (call('HINCRBY', counts_key(), site .. ':near', #entries) - #entries) % NEAR_KEPT
  local room = NEAR_KEPT - at
  call('SETRANGE', near_key(site), at * NEAR_BYTES, table.concat(entries, '', 1, math.min(room, #entries)))
  if #entries > room then
    call('SETRANGE', near_key(site), 0, table.concat(entries, '', room + 1, math.min(#entries, room + NEAR_KEPT)))
  end
  call('EXPIRE', near_key(site), 86400)
end

-- A new comment, pending, found by its external id and its author. *waits* says that it is on its
-- site's list. Where its external id stands already, that comment is gone, or too old to count.
local function keep(id, site, doc, digest, ext, email, address, waits)
  local fields = {'s', number_of(site), 'st', LETTER.pending, 'd', doc, 'g', digest}
  local function also(field, value) fields[#fields + 1], fields[#fields + 2] = field, value end
  if waits then also('w', 1) end
  if ext ~= '' then also('x', ext) end
  if address == email then address = '' end
  if email ~= '' or address ~= '' then also('a', email .. address) end
  call('HSET', comment_key(id), unpack(fields))
  if ext ~= '' then insert(index_of(site, 'externals'), ext, id) end
  if email ~= '' then index_author(id, site, email) end
  if address ~= '' then index_author(id, site, address) end
end

-- What is counted and listed of new comments, once for all of them.
local function kept(ids, site, day)
  call('RPUSH', day_key(site, day), unpack(ids))
  call('ZADD', days_key(site), day, day)
  count(site, 'pending', #ids)
  add(counts_key(), 'accepted', #ids)
  tally(site, day, 'accepted', #ids)
end

-- Keep what the decisions on this revision were made on, before its text or scores change.
local function preserve(c)
  local doc, scores = unpack(call('HMGET', comment_key(c.id), 'd', 'sc'))
  local lines = {}
  for line in string.gmatch(c.h or '', '[^\\n]+') do lines[#lines + 1] = cjson.decode(line) end
  for at, line in ipairs(lines) do
    local version = c.v - #lines + at
    if line[6] == tonumber(c.r) and call('HEXISTS', kept_key(c.id), version .. ':d') == 0 then
      call('HSET', kept_key(c.id), version .. ':d', doc or '', version .. ':s', scores or '')
    end
  end
end

-- The one place where a status changes: indexes, counters, history. *more* may hold the rank of what
-- becomes flagged, scores to write, a note, and the revision that a moderator decided on.
local function move(c, new, now, by, reason, more)
  local key, old = comment_key(c.id), c.st
  more = more or {}
  local fields = {'st', LETTER[new]}
  local function also(field, value) fields[#fields + 1], fields[#fields + 2] = field, value end
  if old == 'flagged' then
    call('ZREM', queue_key(c.site), c.id)
    call('ZREM', waiting_key(c.site), c.id)
    call('HDEL', key, 'p')
  end
  if new == 'flagged' then
    local rank = more.rank
    if not rank or rank == '' then rank = 1 end
    also('p', rank)
    call('ZADD', queue_key(c.site), rank, c.id)
    call('ZADD', waiting_key(c.site), now, c.id)
  end
  count(c.site, old, -1)
  count(c.site, new, 1)
  local line = {LETTER[old] .. LETTER[new], by, reason, tonumber(now) - made(c.id)}
  if more.scores and string.sub(by, 1, 6) == 'model ' then line[2] = number_of(by) end
  if more.revision then line[5], line[6] = more.note, tonumber(more.revision) end
  c.st, c.v = new, c.v + 1
  if c.h and c.v > HISTORY_KEPT and call('HDEL', key, 'z') == 0 then
    c.h = string.sub(c.h, string.find(c.h, '\\n', 1, true) + 1)
  end
  c.h = (c.h and c.h .. '\\n' or '') .. cjson.encode(line)
  also('v', c.v)
  also('h', c.h)
  if more.scores and more.scores ~= '' then also('sc', more.scores) end
  call('HSET', key, unpack(fields))
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

local function existing(id, ext)      -- the comment that this draft repeats
  if call('EXISTS', comment_key(id)) == 1 then return id end
  local known = ext ~= '' and find(index_of(site, 'externals'), ext)
  if known and call('EXISTS', comment_key(known)) == 1 then return known end
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
sums = {}
for i = 0, n - 1 do
  local id, doc, digest, ext, email, address = unpack(ARGV, 7 + i * 6, 12 + i * 6)
  local known = existing(id, ext)
  if known then
    local st, g = unpack(call('HMGET', comment_key(known), 'st', 'g'))
    local outcome = (not g or g == digest or known == id) and 'same' or 'conflict'
    reply[#reply + 1], reply[#reply + 2], reply[#reply + 3] = outcome, known, STATUS[st]
  else
    keep(id, site, doc, digest, ext, email, address, true)
    fresh[#fresh + 1] = id
    reply[#reply + 1], reply[#reply + 2], reply[#reply + 3] = 'new', id, 'pending'
  end
end
if #fresh > 0 then
  kept(fresh, site, day)
  line_up(site, fresh)
  reply[2] = wake()
end
add_up()
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
local known = call('EXISTS', comment_key(id)) == 1 and id
if not known and ext ~= '' then
  local before = find(index_of(site, 'externals'), ext)
  local recent = before and (window == '' or made(before) + tonumber(window) >= tonumber(now))
  known = recent and call('EXISTS', comment_key(before)) == 1 and before
end
if known then
  local st, g = unpack(call('HMGET', comment_key(known), 'st', 'g'))
  return {(not g or g == digest or known == id) and 'same' or 'conflict', known, STATUS[st]}
end
keep(id, site, doc, digest, ext, email, address, false)
kept({id}, site, day)
local c = {id = id, site = site, st = 'pending', r = '1', v = 0}
move(c, status, now, by, reason, {rank = rank, scores = scores, note = '', revision = decision ~= '' and 1 or nil})
tally(site, day, field, 1)
if decision ~= '' then
  call('LPUSH', decided_key(site), id)
  tally(site, day, 'decided:' .. decision, 1)
end
emit(c, event, now)
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
local key, c = comment_key(id), look(id)
if not c or c.st == 'erased' then return {'missing'} end
if call('HGET', key, 'g') == digest and call('HEXISTS', key, 'd') == 1 then return {'same', 0} end
preserve(c)
c.r = c.r + 1
call('HSET', key, 'd', doc, 'g', digest, 'r', c.r)
call('HDEL', key, 'sc')
name_author(id, c.site, {email, address})
unhold(id)
if c.st ~= 'pending' then
  move(c, 'pending', now, by, 'edited')
  emit(c, event, now)
end
call('HDEL', deaths_key(), id)
enqueue(id, c.site)
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
local c = look(id)
if not c then return {'missing'} end
if c.st == 'erased' then return {'already'} end
unhold(id)
move(c, 'erased', now, by, 'erased')
call('HDEL', comment_key(id), 'd', 'sc', 'h', 'z')
call('HSET', comment_key(id), 'u', now)
call('HDEL', deaths_key(), id)
call('DEL', kept_key(id))
unname_author(id, c.site)
if near ~= '' then
  local ring = call('GET', near_key(c.site)) or ''
  for at = 1, #ring, NEAR_BYTES do
    if string.sub(ring, at + 8, at + 15) == near then
      call('SETRANGE', near_key(c.site), at - 1, string.rep('\\0', NEAR_BYTES))
    end
  end
end
emit(c, event, now)
return {'ok'}
"""
)

#: TAKE: lease pending comments, a fair share from each site in turn, or one suspect alone.
#: ARGV: now, token, size, most bytes, lease ms.
#: Returns {wake, suspect, then {id, site, revision, version, document, digest} each}; a token that
#: holds a lease already is given that lease again.
#: Atomic so that a pending comment is always in exactly one list or lease.
TAKE = (
    PRELUDE
    + """
local now, token, size, room, lease = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local reply, ids = {0, 0}, {}

local function show(id)               -- add a comment to the reply if it is pending
  local s, st, r, v, doc, g = unpack(call('HMGET', comment_key(id), 's', 'st', 'r', 'v', 'd', 'g'))
  if st ~= LETTER.pending then return false, st end
  reply[#reply + 1] = {id, text_of(s), r or '1', v or '0', doc or '', g}
  room = room - #(doc or '')
  return true
end

local function lift(id)               -- put a popped id on the lease if it still wants a verdict
  local wants, st = show(id)
  if wants then ids[#ids + 1] = id
  else
    if st then call('HDEL', comment_key(id), 'w') end
    call('HDEL', deaths_key(), id)
  end
  return wants
end

local function ending()               -- the reply; where there is more to do, another is woken
  if call('ZCARD', ring_key()) > 0 or (call('EXISTS', suspects_key()) == 1 and reply[2] == 0) then
    reply[1] = wake()
  end
  return reply
end

local mine = call('LRANGE', lease_key(token), 0, -1)
if #mine > 0 then
  for _, id in ipairs(mine) do show(id) end
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
local judged, written, seen, deaths = {}, 0, {}, call('EXISTS', deaths_key()) == 1
sums = {}
for i = 4, #ARGV, 10 do
  local id, revision, status, scores, rank, by, reason, event, field, near = unpack(ARGV, i, i + 9)
  judged[id] = true
  local c = look(id)
  if c and c.st == 'pending' and c.r == revision then
    call('HDEL', comment_key(id), 'w')
    move(c, status, now, by, reason, {rank = rank, scores = scores})
    if deaths then call('HDEL', deaths_key(), id) end
    tally(c.site, day, field, 1)
    emit(c, event, now)
    if near ~= '' then
      seen[c.site] = seen[c.site] or {}
      table.insert(seen[c.site], near)
    end
    written = written + 1
  elseif c and c.st == 'pending' then
    requeue(id, c.site)               -- edited meanwhile: the new text has its own turn
  elseif c then
    call('HDEL', comment_key(id), 'w') -- decided or erased meanwhile: that stands
  end
end
for _, id in ipairs(ids) do
  if not judged[id] then              -- given back unjudged
    local c = look(id)
    if c and c.st == 'pending' then
      if suspect then call('LPUSH', suspects_key(), id) else requeue(id, c.site) end
    elseif c then call('HDEL', comment_key(id), 'w') end
  end
end
for site, entries in pairs(seen) do
  note_near(site, entries)
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
    local c = look(id)
    if not c or c.st ~= 'pending' then
      if c then call('HDEL', comment_key(id), 'w') end
      call('HDEL', deaths_key(), id)
    elseif holder ~= '' and lonely and call('HINCRBY', deaths_key(), id, 1) >= FATAL_DEATHS then
      call('HDEL', deaths_key(), id)
      call('HDEL', comment_key(id), 'w', 'sc')
      move(c, 'flagged', now, 'winnow', 'unscored')
      tally(c.site, day, 'flag', 1)
      emit(c, event, now)
      quarantined[#quarantined + 1] = id
    elseif holder ~= '' or lonely then
      call('RPUSH', suspects_key(), id)
    else
      requeue(id, c.site)
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
local c = look(id)
if not c or c.st == 'erased' then return {'missing'} end
if c.st == status and repeated(c, by, reason, now) then return {'ok'} end
if seen ~= '' and tonumber(seen) ~= c.v then return {'stale', c.v} end
if c.st == status then return {'illegal', c.st} end
local old, rank = c.st, call('HGET', comment_key(id), 'p') or ''
unhold(id)
move(c, status, now, by, reason, {note = note, revision = c.r})
call('HSET', comment_key(id), 'he', event, 'un', cjson.encode({old, rank, c.v, decision}))
call('ZADD', held_key(), hold, id)
call('LPUSH', decided_key(c.site), id)
tally(c.site, day, 'decided:' .. decision, 1)
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
local c = look(id)
if not c or c.st == 'erased' then return {'missing'} end
local un, until_ms = call('HGET', comment_key(id), 'un'), call('ZSCORE', held_key(), id)
if not un and repeated(c, by, 'undo', now) then return {'ok', 0} end
if not un or not until_ms or tonumber(until_ms) <= tonumber(now) then return {'late'} end
local old, rank, _, decision = unpack(cjson.decode(un))
unhold(id)
if old == 'pending' then preserve(c) end
move(c, old, now, by, 'undo', {rank = rank})
tally(c.site, day, 'decided:' .. decision, -1)
if old ~= 'pending' then return {'ok', 0} end
enqueue(id, c.site)
return {'ok', wake()}
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
  local event, un = unpack(call('HMGET', comment_key(id), 'he', 'un'))
  if event and un then emit(look(id), event, now, cjson.decode(un)[3]) end
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
local c = look(id)
if not c or c.st == 'erased' then return {'missing'} end
if c.st == 'pending' and repeated(c, by, 'retry', now) then return {'ok', 0} end
if c.st ~= 'flagged' then return {'illegal', c.st} end
call('HDEL', deaths_key(), id)
preserve(c)
move(c, 'pending', now, by, 'retry')
enqueue(id, c.site)
return {'ok', wake()}
"""
)

#: FORGET: let go of a comment's words, or of all of it, once its retention is over.
#: ARGV: id, version, 'text' or 'all', then for 'text' the verdict and the history, packed.
#: Returns 1 when it did.
#: Atomic so that a comment that was reopened meanwhile keeps its words.
FORGET = (
    PRELUDE
    + """
local id, version, what, remains = unpack(ARGV)
local key, c = comment_key(id), look(id)
if not c or c.st == 'pending' or c.v ~= tonumber(version) then return 0 end
if call('ZSCORE', held_key(), id) then return 0 end
unname_author(id, c.site)
if what == 'text' then
  if call('HDEL', key, 'd') == 0 then return 0 end
  call('HDEL', key, 'g', 'sc', 'h')
  call('HSET', key, 'z', remains)
  call('DEL', kept_key(id))
  return 1
end
if c.st == 'flagged' then
  call('ZREM', queue_key(c.site), id)
  call('ZREM', waiting_key(c.site), id)
end
local ext = call('HGET', key, 'x')
if ext and find(index_of(c.site, 'externals'), ext) == id then drop(index_of(c.site, 'externals'), ext) end
count(c.site, c.st, -1)
call('DEL', key, kept_key(id))
for _ = 1, 100 do                     -- decisions on comments that are gone, the oldest first
  local oldest = call('LINDEX', decided_key(c.site), -1)
  if not oldest or call('EXISTS', comment_key(oldest)) == 1 then break end
  call('RPOP', decided_key(c.site))
end
return 1
"""
)

#: FIND: look up entries of an index. ARGV: site, 'externals' or 'authors', then the entries.
#: Returns what each leads to, '' for nothing.
#: Atomic so that no entry is missed that goes to another bucket meanwhile.
FIND = (
    PRELUDE
    + """
local found = {}
for i = 3, #ARGV do found[i - 2] = find(index_of(ARGV[1], ARGV[2]), ARGV[i]) or '' end
return found
"""
)
