-- Learning: what people decided, kept as evidence for the site's own head, and the heads themselves.
-- A piece of evidence is one line of JSON (decision, by, at, revision, 1 for a spot check), a line end,
-- and the scores and verdict that were there. At most one for a comment, EVIDENCE_KEPT for a site.

local function learn_soon(site, now)  -- a fit is due some seconds after the last of a few decisions
  local first = tonumber(call('HGET', learning_key(site), 'first') or now)
  if first > tonumber(now) then first = tonumber(now) end
  call('HSET', learning_key(site), 'first', first)
  call('ZADD', unlearned_key(), math.min(now + LEARN_AFTER_MS, first + LEARN_BY_MS), site)
end

local function changed(site) return call('HINCRBY', learning_key(site), 'place', 1) end

-- Drop the evidence of a comment, and the reading of its text. Returns whether there was any.
local function withdraw(site, id)
  call('HDEL', readings_key(site), id)
  call('ZREM', evident_key(site), id)
  if call('HDEL', evidence_key(site), id) == 0 then return false end
  changed(site)
  return true
end

local function evidence_of(site, id) return call('HGET', evidence_key(site), id) or '' end

local function revision_of(evidence)
  return cjson.decode(string.match(evidence, '^[^\n]+'))[4]
end

local function testify(site, id, evidence, now)       -- in the place of an earlier decision on it
  local before = evidence_of(site, id)
  if before ~= '' and revision_of(before) ~= revision_of(evidence) then
    call('HDEL', readings_key(site), id)              -- that was another text
  end
  local place = changed(site)
  call('HSET', evidence_key(site), id, evidence)
  call('ZADD', evident_key(site), place, id)
  call('HSETNX', comment_key(id), 'lp', place)        -- heads up to here were not fitted on it
  while call('ZCARD', evident_key(site)) > EVIDENCE_KEPT do
    withdraw(site, call('ZRANGE', evident_key(site), 0, 0)[1])
  end
  learn_soon(site, now)
end

local function forget_evidence(site, id, now)         -- so that the next head is fitted without it
  if withdraw(site, id) then learn_soon(site, now) end
end

-- Drop every head that may have been fitted on an erased comment, and let the one judge that judged
-- before them. A head is of all evidence up to its place; one without a place may be of anything.
local function unlearn(site, first)
  local key = learning_key(site)
  call('HSET', key, 'erased', changed(site))
  for _, name in ipairs(call('HKEYS', key)) do
    local number = string.match(name, '^head:(%d+)$')
    local place = number and tonumber(call('HGET', key, 'place:' .. number))
    if number and not (place and place < first) then
      call('HDEL', key, name, 'report:' .. number, 'place:' .. number)
    end
  end
  local trail, judges = {}, '0'
  for number in string.gmatch(call('HGET', key, 'trail') or '0', '%d+') do
    if number == '0' or call('HEXISTS', key, 'head:' .. number) == 1 then
      if number ~= trail[#trail] then trail[#trail + 1] = number end
      judges = number
    end
  end
  if #trail == 0 then trail = {'0'} end
  call('HSET', key, 'current', judges, 'trail', table.concat(trail, ' '))
end

local function erase_evidence(site, id, now)
  local first = tonumber(call('HGET', comment_key(id), 'lp') or call('ZSCORE', evident_key(site), id))
  if not first then return end
  call('HDEL', comment_key(id), 'lp')
  withdraw(site, id)
  unlearn(site, first)
  learn_soon(site, now)
end

-- To approve a text that a moderator changed says nothing of what its author wrote; to reject it does.
local function note_decision(c, decision, by, at, now, spot)
  if c.e and decision == 'approve' then return forget_evidence(c.site, c.id, now) end
  local line = cjson.encode({decision, by, tonumber(at), tonumber(c.e or c.r), spot and 1 or 0})
  testify(c.site, c.id, line .. '\n' .. (call('HGET', comment_key(c.id), 'sc') or ''), now)
end

-- KEEP_READINGS: keep readings of texts that people decided on.
-- KEYS: tag. ARGV: site, then id, revision, reading each. Returns how many were kept.
-- Atomic so that nothing comes back of what was erased or taken back meanwhile.
register('keep_readings', function()
  local site, kept = ARGV[1], 0
  for i = 2, #ARGV, 3 do
    local id, revision, reading = unpack(ARGV, i, i + 2)
    local evidence = evidence_of(site, id)
    if evidence ~= '' and revision_of(evidence) == tonumber(revision) then
      call('HSET', readings_key(site), id, reading)
      kept = kept + 1
    end
  end
  return kept
end)

-- CLAIM_LEARNING: the sites of a shard with something new to learn, and not before a lease ends again.
-- KEYS: tag. ARGV: now, lease ms. Returns their short ids.
-- Atomic so that of two watchdogs one has it learned. One that is lost is due again after the lease.
register('claim_learning', function()
  local now, lease = tonumber(ARGV[1]), tonumber(ARGV[2])
  local due = call('ZRANGEBYSCORE', unlearned_key(), '-inf', now)
  for _, site in ipairs(call('ZRANGEBYSCORE', unlearned_key(), '(' .. now + lease, '+inf')) do
    due[#due + 1] = site                -- the clock was set back
  end
  for _, site in ipairs(due) do call('ZADD', unlearned_key(), now + lease, site) end
  return due
end)

-- LEARNED: what a site had decided up to *place* is dealt with.
-- KEYS: tag. ARGV: now, site, place. Returns 1 if nothing came meanwhile; else it is due again soon.
-- Atomic so that a decision made meanwhile is never passed over.
register('learned', function()
  local now, site, place = ARGV[1], ARGV[2], ARGV[3]
  call('HDEL', learning_key(site), 'first')
  if (call('HGET', learning_key(site), 'place') or '0') == place then
    call('ZREM', unlearned_key(), site)
    return 1
  end
  learn_soon(site, now)
  return 0
end)

-- RELEARN: have a site learn again although nothing was decided.
-- KEYS: tag. ARGV: now, site. Returns nothing.
-- Atomic so that a job that is under way sees that it has to be done again.
register('relearn', function()
  changed(ARGV[2])
  learn_soon(ARGV[2], ARGV[1])
end)

-- Bytes of the numbers of those that judged, the latest last, that are kept.
local TRAIL_BYTES = 300

-- KEEP_HEAD: keep a head as a site's next version, and let it judge if it may.
-- KEYS: tag. ARGV: site, number, head, report (JSON), 1 to let it judge, the version that it was held against,
-- versions that are kept, the place of the latest evidence that it may be of.
-- Returns {1 if it was kept, 1 if it judges}; what was erased since that place keeps it from both.
-- Atomic so that it replaces the very head that it was found to be better than.
register('keep_head', function()
  local site, number, head, report, may, against, most, place = unpack(ARGV)
  local key = learning_key(site)
  local last, current, pinned, erased = unpack(call('HMGET', key, 'last', 'current', 'pinned', 'erased'))
  if tonumber(last or 0) >= tonumber(number) then return {0, current == number and 1 or 0} end
  if tonumber(erased or 0) > tonumber(place) then return {0, 0} end
  call('HSET', key, 'last', number, 'head:' .. number, head, 'report:' .. number, report,
    'place:' .. number, place)
  local judges = may == '1' and not pinned and (current or '0') == against
  if judges then
    local trail = (call('HGET', key, 'trail') or '0') .. ' ' .. number
    if #trail > TRAIL_BYTES then trail = string.match(trail, ' (.*)', #trail - TRAIL_BYTES) end
    call('HSET', key, 'current', number, 'trail', trail)
  end
  for gone = math.max(1, number - 2 * most), number - most do
    if tostring(gone) ~= call('HGET', key, 'current') then
      call('HDEL', key, 'head:' .. gone, 'report:' .. gone, 'place:' .. gone)
    end
  end
  return {1, judges and 1 or 0}
end)

-- USE_HEAD: let another version judge. KEYS: tag. ARGV: site, the version that judges now, the one that is to,
-- the trail of those that judged, 1 to keep later ones from replacing it.
-- Returns 'ok', 'stale' or 'missing'. Version 0 is the shared model alone.
-- Atomic so that nobody replaces a version that they have not seen.
register('use_head', function()
  local site, current, number, trail, pinned = unpack(ARGV)
  local key = learning_key(site)
  local now = call('HGET', key, 'current') or '0'
  if now == number and call('HGET', key, 'trail') == trail then return 'ok' end
  if now ~= current then return 'stale' end
  if number ~= '0' and call('HEXISTS', key, 'head:' .. number) == 0 then return 'missing' end
  call('HSET', key, 'current', number, 'trail', trail)
  if pinned == '1' then call('HSET', key, 'pinned', 1) else call('HDEL', key, 'pinned') end
  return 'ok'
end)
