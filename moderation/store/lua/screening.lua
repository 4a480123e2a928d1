-- Screening: from a site's list to a lease, and from the lease to a verdict or back.

-- Solitary deaths of a worker after which a comment is quarantined.
local FATAL_DEATHS = 3

-- TAKE: lease pending comments, a fair share from each site in turn, or one suspect alone.
-- KEYS: tag. ARGV: now, token, size, most bytes, lease ms.
-- Returns {wake, suspect, then {id, site, revision, version, document, digest} each}; a token that
-- holds a lease already is given that lease again.
-- Atomic so that a pending comment is always in exactly one list or lease.
register('take', function()
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
end)

-- COMMIT: write verdicts, once, and end the lease.
-- KEYS: tag. ARGV: now, day, token, then per comment id, revision, status, scores, priority, by, reason,
-- event, daily field, NEAR entry, 1 for a spot check.
-- Returns how many were written; -1 when the token is no longer on lease (late: nothing is done).
-- Atomic so that a verdict comes with its transition, queue entry, counters and event, or not at all.
register('commit', function()
  local now, day, token = ARGV[1], ARGV[2], ARGV[3]
  if call('ZREM', leases_key(), token) == 0 then return -1 end
  local ids = call('LRANGE', lease_key(token), 0, -1)
  call('DEL', lease_key(token))
  local suspect = call('GET', suspect_lease_key()) == token
  if suspect then call('DEL', suspect_lease_key()) end
  local judged, written, seen, deaths = {}, 0, {}, call('EXISTS', deaths_key()) == 1
  sums = {}
  for i = 4, #ARGV, 11 do
    local id, revision, status, scores, rank, by, reason, event, field, near, spot = unpack(ARGV, i, i + 10)
    judged[id] = true
    local c = look(id)
    if c and c.st == 'pending' and c.r == revision then
      call('HDEL', comment_key(id), 'w')
      move(c, status, now, by, reason, {rank = rank, scores = scores, spot = spot == '1'})
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
  add_all_up()
  return written
end)

-- RECLAIM: take back leases that expired or, with a holder, those of a worker that died.
-- KEYS: tag. ARGV: now, day, holder, event of a quarantine, when the latest lease can end, who quarantines.
-- Returns the ids that were quarantined.
-- Atomic so that an id leaves its lease and enters a list, the suspects or the queue in one step.
register('reclaim', function()
  local now, day, holder, event, latest, by = unpack(ARGV)
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
        move(c, 'flagged', now, by, 'unscored')
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
  if #tokens > 0 then ring_bell() end
  return quarantined
end)
