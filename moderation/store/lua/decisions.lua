-- Decisions of moderators: writing them, undoing them, sending their events.

-- DECIDE: write a moderator's decision; its event is held until the undo window closes.
-- KEYS: tag. ARGV: now, day, id, decision, status, by, reason, note, version ('' for any), hold until, event.
-- Returns {'missing'}, {'stale', version}, {'illegal', status} or {'ok'}.
-- Atomic so that of two moderators one decides and the other gets a conflict.
register('decide', function()
  local now, day, id, decision, status, by, reason, note, seen, hold, event = unpack(ARGV)
  local c = look(id)
  if not c or c.st == 'erased' then return {'missing'} end
  if c.st == status and repeated(c, by, reason, now) then return {'ok'} end
  if seen ~= '' and tonumber(seen) ~= c.v then return {'stale', c.v} end
  local spot = c.k
  if c.st == status and not spot then return {'illegal', c.st} end
  if c.st == status then event = '' end           -- a spot check that changes nothing
  local old, rank = c.st, call('HGET', comment_key(id), 'p') or ''
  unhold(id)
  move(c, status, now, by, reason, {note = note, revision = c.e or c.r})
  call('HSET', comment_key(id), 'he', event, 'un', cjson.encode({old, rank, c.v, decision, spot and 1 or 0}))
  local before = evidence_of(c.site, id)
  if before ~= '' then call('HSET', comment_key(id), 'ue', before) end
  note_decision(c, decision, by, now, now, spot)
  call('ZADD', held_key(), hold, id)
  call('LPUSH', decided_key(c.site), id)
  tally(c.site, day, 'decided:' .. decision, 1)
  return {'ok'}
end)

-- UNDO: take back the last decision while its event is held.
-- KEYS: tag. ARGV: now, day, id, by. Returns {'missing'}, {'late'} or {'ok', wake}.
-- Atomic so that either the blog gets the decision or it is undone, never both.
register('undo', function()
  local now, day, id, by = unpack(ARGV)
  local c = look(id)
  if not c or c.st == 'erased' then return {'missing'} end
  local un, before = unpack(call('HMGET', comment_key(id), 'un', 'ue'))
  local until_ms = call('ZSCORE', held_key(), id)
  if not un and repeated(c, by, 'undo', now) then return {'ok', 0} end
  if not un or not until_ms or tonumber(until_ms) <= tonumber(now) then return {'late'} end
  local old, rank, _, decision, spot = unpack(cjson.decode(un))
  unhold(id)
  if old == 'pending' then preserve(c) end
  move(c, old, now, by, 'undo', {rank = rank, spot = spot == 1})
  tally(c.site, day, 'decided:' .. decision, -1)
  if before then testify(c.site, id, before, now) else forget_evidence(c.site, id, now) end
  if old ~= 'pending' then return {'ok', 0} end
  enqueue(id, c.site)
  return {'ok', wake()}
end)

local function tell_held(id, now)     -- tell of a decision that can no longer be undone
  local event, un = unpack(call('HMGET', comment_key(id), 'he', 'un'))
  if event and un then emit(look(id), event, now, cjson.decode(un)[3]) end
  unhold(id)
end

-- RELEASE: tell the events whose undo window has closed.
-- KEYS: tag. ARGV: now, most, when the latest window can close. Returns the number of events sent.
-- Atomic so that an event leaves the held set and enters the stream in one step.
register('release', function()
  local now, most, latest = unpack(ARGV)
  local ids = call('ZRANGEBYSCORE', held_key(), '-inf', now, 'LIMIT', 0, most)
  if #ids == 0 then ids = call('ZRANGEBYSCORE', held_key(), '(' .. latest, '+inf', 'LIMIT', 0, most) end
  for _, id in ipairs(ids) do tell_held(id, now) end
  return #ids
end)

-- RETRY: make a flagged comment pending again, its deaths forgotten.
-- KEYS: tag. ARGV: now, id, by. Returns {'missing'}, {'illegal', status}, {'revised'} or {'ok', wake}.
-- Atomic so that it leaves the queue and enters its site's list in one step.
register('retry', function()
  local now, id, by = unpack(ARGV)
  local c = look(id)
  if not c or c.st == 'erased' then return {'missing'} end
  if c.st == 'pending' and repeated(c, by, 'retry', now) then return {'ok', 0} end
  if c.st ~= 'flagged' then return {'illegal', c.st} end
  if c.e then return {'revised'} end
  call('HDEL', deaths_key(), id)
  preserve(c)
  move(c, 'pending', now, by, 'retry')
  enqueue(id, c.site)
  return {'ok', wake()}
end)
