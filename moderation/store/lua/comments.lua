-- A comment: its fields, its way to a worker, its events, and the one place where its status changes.

local DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

local function made(id)               -- when a comment was accepted, ms: the first bits of its id
  local ms = 0
  for i = 1, 8 do ms = ms * 64 + string.find(DIGITS, string.sub(id, i, i), 1, true) - 1 end
  return ms
end

-- A status is stored as its first letter.
local LETTER = {pending = 'p', approved = 'a', flagged = 'f', rejected = 'r', spam = 's', erased = 'e'}
local STATUS = {p = 'pending', a = 'approved', f = 'flagged', r = 'rejected', s = 'spam', e = 'erased'}

-- Terms: what stands in millions of comments, their site and model, stands there as a number, a digest
-- of the text. So a restored data set gives the same number, and a process asks for each only once.

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
  local s, st, r, v, h, n, k, e = unpack(call('HMGET', comment_key(id), 's', 'st', 'r', 'v', 'h', 'n', 'k', 'e'))
  if not st then return nil end
  return {
    id = id, site = text_of(s), st = STATUS[st], r = r or '1', v = tonumber(v or 0), h = h, n = tonumber(n), k = k, e = e,
  }
end

-- Whether the last move was this very one: redis-py sends again what it got no answer to.
local function repeated(c, by, reason, now)
  local line = string.match(c.h or '', '[^\n]+$')
  line = line and cjson.decode(line)
  return line and line[2] == by and line[3] == reason and made(c.id) + line[4] == tonumber(now)
end

-- To a worker.

local function line_up(site, ids)     -- on the site's list, the site on the ring
  call('RPUSH', pending_key(site), unpack(ids))
  call('ZADD', ring_key(), 'NX', call('INCR', turn_key()), site)
end

local function enqueue(id, site)      -- to its site's list, unless a list or lease holds it
  if call('HSETNX', comment_key(id), 'w', 1) == 1 then line_up(site, {id}) end
end

local function requeue(id, site)      -- from a lease back to its site's list
  call('HSET', comment_key(id), 'w', 1)
  line_up(site, {id})
end

local function ring_bell()            -- a worker that listens looks again
  if call('LLEN', bell_key()) == 0 then call('RPUSH', bell_key(), 1) end
end

local function wake()                 -- 1: the caller should enqueue a screening job
  ring_bell()
  if call('SET', wake_key(), 1, 'NX', 'PX', 3000) then return 1 end
  return 0
end

-- To those who listen to the site.

local function has_events(site)       -- a deliverer looks again
  if not eventful[site] and call('SADD', eventful_key(), site) == 1 then wake_deliverers() end
  eventful[site] = true
end

-- One field of one name in each line, so that a stream's block holds the name once.
local function announce(site, kind, subject, revision, sequence, now, status)
  has_events(site)
  local line = table.concat({kind, subject, revision, sequence, now, status}, ' ')
  return call('XADD', events_key(site), '*', 'e', line)
end

local function emit(c, kind, now, sequence)
  if kind == '' then return end
  announce(c.site, kind, c.id, c.r, sequence or c.v, now)
end

local function unhold(id)             -- a later change takes the place of an event still held
  call('ZREM', held_key(), id)
  call('HDEL', comment_key(id), 'he', 'un', 'ue')
end

-- A new comment, pending, found by its external id and its author. *waits*: it is on its site's list.
-- The index entry of its external id is replaced: that comment is gone, or too old to count. *whos*: the
-- entries of its author, joined. Returns its number.
local function keep(id, site, doc, digest, ext, whos, waits)
  local n = number(id, site)
  local fields = {'s', number_of(site), 'st', LETTER.pending, 'd', doc, 'g', digest, 'n', n}
  local function also(field, value) fields[#fields + 1], fields[#fields + 2] = field, value end
  if waits then also('w', 1) end
  if ext ~= '' then also('x', ext) end
  if whos ~= '' then also('a', whos) end
  call('HSET', comment_key(id), unpack(fields))
  stand(site, n, LETTER.pending, 1)
  if ext ~= '' then insert(index_of(site, 'externals'), ext, id) end
  index_authors(site, n, whos)
  return n
end

-- Counts and lists of new comments, once for all of them.
local function kept(ids, site, day)
  call('RPUSH', day_key(site, day), unpack(ids))
  call('ZADD', days_key(site), day, day)
  count(site, 'pending', #ids)
  add(counts_key(), 'accepted', #ids)
  tally(site, day, 'accepted', #ids)
end

-- A revised comment (field e): a moderator changed its text. What its author wrote is the revision that e
-- names; it stands beside the comment (o:d), with its digest (o:g). Scores are of what its author wrote.

local function sent_digest(id) return call('HGET', kept_key(id), 'o:g') end

local function forget_original(c)
  if not c.e then return end
  call('HDEL', comment_key(c.id), 'e')
  call('HDEL', kept_key(c.id), 'o:d', 'o:g')
  c.e = nil
end

-- Keep the text and scores that decisions on this revision were made on, before they change.
local function preserve(c)
  local doc, scores = unpack(call('HMGET', comment_key(c.id), 'd', 'sc'))
  if c.e then doc = call('HGET', kept_key(c.id), 'o:d') end
  local lines = {}
  for line in string.gmatch(c.h or '', '[^\n]+') do lines[#lines + 1] = cjson.decode(line) end
  for at, line in ipairs(lines) do
    local version = c.v - #lines + at
    if line[6] == tonumber(c.e or c.r) and call('HEXISTS', kept_key(c.id), version .. ':d') == 0 then
      call('HSET', kept_key(c.id), version .. ':d', doc or '', version .. ':s', scores or '')
    end
  end
end

-- A spot check (field k): a settled comment that waits in the queue, too, so that a person says what they
-- think of it. It stays where it is meanwhile.

local function may_check(site)        -- so that nobody's queue fills up with them
  return tonumber(call('HGET', counts_key(), site .. ':spots') or 0) < SPOTS_WAITING
end

local function leave_queue(c)
  call('ZREM', queue_key(c.site), c.id)
  call('ZREM', waiting_key(c.site), c.id)
  call('HDEL', comment_key(c.id), 'p', 'k')
  if c.k then add(counts_key(), c.site .. ':spots', -1) end
  c.k = nil
end

-- Put a line of history on a comment, which makes its next version.
local function write_line(c, line)
  c.v = c.v + 1
  if c.h and c.v > HISTORY_KEPT and call('HDEL', comment_key(c.id), 'z') == 0 then
    c.h = string.sub(c.h, string.find(c.h, '\n', 1, true) + 1)
  end
  c.h = (c.h and c.h .. '\n' or '') .. cjson.encode(line)
  call('HSET', comment_key(c.id), 'v', c.v, 'h', c.h)
end

-- The one place where a status changes: queue, counters, history. *more* may hold the rank of a comment
-- that becomes flagged or is spot-checked (spot), scores to write, a note, and the revision that a
-- moderator decided on.
local function move(c, new, now, by, reason, more)
  local key, old = comment_key(c.id), c.st
  more = more or {}
  local fields = {'st', LETTER[new]}
  local function also(field, value) fields[#fields + 1], fields[#fields + 2] = field, value end
  if old == 'flagged' or c.k then leave_queue(c) end
  local spot = more.spot and new ~= 'flagged' and may_check(c.site)
  if new == 'flagged' or spot then
    local rank = more.rank
    if not rank or rank == '' then rank = 1 end
    also('p', rank)
    if spot then
      also('k', 1)
      add(counts_key(), c.site .. ':spots', 1)
    end
    call('ZADD', queue_key(c.site), rank, c.id)
    call('ZADD', waiting_key(c.site), now, c.id)
  end
  count(c.site, old, -1)
  count(c.site, new, 1)
  stand(c.site, c.n, LETTER[old], 0)
  if new ~= 'erased' then stand(c.site, c.n, LETTER[new], 1) end
  local line = {LETTER[old] .. LETTER[new], by, reason, tonumber(now) - made(c.id)}
  if more.scores and string.lower(string.sub(by, 1, 1)) == MACHINE then line[2] = number_of(by) end
  if more.revision then line[5], line[6] = more.note, tonumber(more.revision) end
  c.st = new
  write_line(c, line)
  if more.scores and more.scores ~= '' then also('sc', more.scores) end
  call('HSET', key, unpack(fields))
end
