-- Deliveries: fan events out, lease what is due, write the result.

-- Deliveries to one endpoint that may be under way at once.
local IN_FLIGHT = 4
-- Attempts at one endpoint that may begin within one second.
local A_SECOND = 50

local function due(site, endpoint, event, at)  -- put a delivery on its endpoint's list
  call('ZADD', due_key(endpoint), at, event)
  call('ZADD', due_endpoints_key(), 'LT', at, site .. '|' .. endpoint)
end

local function reschedule(site, endpoint)      -- when the endpoint is to be looked at again
  local member = site .. '|' .. endpoint
  local first = call('ZRANGE', due_key(endpoint), 0, 0, 'WITHSCORES')
  if #first == 0 or call('SCARD', in_flight_key(endpoint)) >= IN_FLIGHT then
    call('ZREM', due_endpoints_key(), member)
  else
    call('ZADD', due_endpoints_key(), first[2], member)
  end
end

-- FAN_OUT: turn events into due deliveries and move the site's cursor past them.
-- KEYS: tag. ARGV: now, site, cursor expected, new cursor, record's life in s, then per delivery endpoint,
-- event, comment, type. Returns 1, or 0 when another deliverer was first.
-- Atomic so that an event is fanned out once, and never skipped.
register('fan_out', function()
  local now, site, expected, cursor, life = unpack(ARGV, 1, 5)
  if (call('GET', fanned_out_key(site)) or '0') ~= expected then return 0 end
  for i = 6, #ARGV, 4 do
    local endpoint, event, comment, kind = unpack(ARGV, i, i + 3)
    local key = delivery_key(endpoint, event)
    if call('HSETNX', key, 'st', 'due') == 1 then
      call('HSET', key, 'c', comment, 'y', kind, 's', site, 'next', now, 'n', 0)
      call('ZADD', deliveries_key(endpoint), now, event)
      call('ZREMRANGEBYRANK', deliveries_key(endpoint), 0, -LISTED - 1)
      due(site, endpoint, event, now)
    end
    if kind == 'comment.approved' and call('EXISTS', comment_key(comment)) == 1 then
      local heard = call('HGET', comment_key(comment), 'td') or ''
      if not string.find(heard, endpoint, 1, true) then
        call('HSET', comment_key(comment), 'td', heard .. endpoint)
      end
    end
  end
  call('SET', fanned_out_key(site), cursor)
  local last = call('XREVRANGE', events_key(site), '+', '-', 'COUNT', 1)[1]
  if not last or last[1] == cursor then call('SREM', eventful_key(), site) end
  return 1
end)

-- How many deliveries a holder has on lease, by site.
local function held_by_site(holder)
  local held, begins = {}, holder .. '|'
  for _, token in ipairs(call('ZRANGE', delivery_leases_key(), 0, -1)) do
    if string.sub(token, 1, #begins) == begins then
      local site = string.match(token, '^[^|]*|([^|]*)')
      held[site] = (held[site] or 0) + 1
    end
  end
  return held
end

-- LEASE_DELIVERIES: take what is due, a few of each endpoint, the longest due endpoint first.
-- KEYS: tag. ARGV: now, holder, most, lease ms. A site may hold as many of a holder's places as it leaves free: one
-- alone half, two a third each, so that no site's slow receivers keep those of all others waiting. Returns {lease, site, endpoint, event, attempts so far} each.
-- Atomic so that a delivery is due, on lease or finished, and in one of these only.
register('lease_deliveries', function()
  local now, holder, most, lease = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
  local reply, held = {}, held_by_site(holder)
  for _, member in ipairs(call('ZRANGEBYSCORE', due_endpoints_key(), '-inf', now, 'LIMIT', 0, 256)) do
    if #reply >= most then break end
    local at = string.find(member, '|', 1, true)
    local site, endpoint = string.sub(member, 1, at - 1), string.sub(member, at + 1)
    local free = math.min(IN_FLIGHT - call('SCARD', in_flight_key(endpoint)), most - #reply)
    local pace = pace_key(endpoint, math.floor(tonumber(now) / 1000))
    free = math.min(free, A_SECOND - (tonumber(call('GET', pace)) or 0))
    free = math.min(free, math.ceil((most - #reply - (held[site] or 0)) / 2))
    if free > 0 then
      call('INCRBY', pace, math.min(free, call('ZCOUNT', due_key(endpoint), '-inf', now)))
      call('EXPIRE', pace, 2)
      for _, event in ipairs(call('ZRANGEBYSCORE', due_key(endpoint), '-inf', now, 'LIMIT', 0, free)) do
        call('ZREM', due_key(endpoint), event)
        call('SADD', in_flight_key(endpoint), event)
        local token = holder .. '|' .. site .. '|' .. endpoint .. '|' .. event
        call('ZADD', delivery_leases_key(), tonumber(now) + lease, token)
        local n = call('HGET', delivery_key(endpoint, event), 'n') or 0
        reply[#reply + 1] = {token, site, endpoint, event, n}
        held[site] = (held[site] or 0) + 1
      end
    end
    reschedule(site, endpoint)
  end
  return reply
end)

-- FINISH_DELIVERY: write the result of an attempt, and when the next one is.
-- KEYS: tag. ARGV: now, lease, state (delivered, failed, dropped, due), next ms, attempt as JSON, life in s.
-- Returns 1, or 0 when the lease is gone: somebody else has the delivery now.
-- Atomic so that an attempt is counted once and a retry is never forgotten.
register('finish_delivery', function()
  local now, lease, state, following, attempt, life = unpack(ARGV)
  if call('ZREM', delivery_leases_key(), lease) == 0 then return 0 end
  local _, site, endpoint, event = string.match(lease, '^([^|]*)|([^|]*)|([^|]*)|([^|]*)$')
  call('SREM', in_flight_key(endpoint), event)
  local key = delivery_key(endpoint, event)
  call('HSET', key, 'st', state, 'next', state == 'due' and following or '')
  if attempt ~= '' then
    call('HSET', key, 'a' .. call('HINCRBY', key, 'n', 1), attempt)
  end
  if state == 'due' then
    call('PERSIST', key)
    call('ZADD', due_key(endpoint), following, event)
  else
    call('EXPIRE', key, life)
  end
  if state == 'delivered' then call('DEL', failing_key(endpoint))
  elseif attempt ~= '' then call('SET', failing_key(endpoint), now, 'NX') end
  reschedule(site, endpoint)
  return 1
end)

-- RECLAIM_DELIVERIES: make due again what expired on lease or, with a holder, what a dead deliverer held.
-- KEYS: tag. ARGV: now, holder. Returns how many.
-- Atomic so that a delivery leaves its lease and is due in one step.
register('reclaim_deliveries', function()
  local now, holder = ARGV[1], ARGV[2]
  local tokens = {}
  if holder == '' then
    tokens = call('ZRANGEBYSCORE', delivery_leases_key(), '-inf', now)
  else
    for _, token in ipairs(call('ZRANGE', delivery_leases_key(), 0, -1)) do
      if string.sub(token, 1, #holder + 1) == holder .. '|' then tokens[#tokens + 1] = token end
    end
  end
  for _, token in ipairs(tokens) do
    local _, site, endpoint, event = string.match(token, '^([^|]*)|([^|]*)|([^|]*)|([^|]*)$')
    call('ZREM', delivery_leases_key(), token)
    call('SREM', in_flight_key(endpoint), event)
    due(site, endpoint, event, now)
  end
  return #tokens
end)

-- ANNOUNCE: put an event that is about no comment on its site's stream.
-- KEYS: tag. ARGV: now, site, type, subject. Returns the event's cursor.
-- Atomic so that an event on the stream is always fanned out.
register('announce', function()
  local now, site, kind, subject = unpack(ARGV)
  return announce(site, kind, subject, 0, now, now)
end)

-- REDELIVER: make a finished delivery due again.
-- KEYS: tag. ARGV: now, site, endpoint, event. Returns 1, or 0 when there is no such delivery or it is due.
-- Atomic so that a delivery is never due twice.
register('redeliver', function()
  local now, site, endpoint, event = unpack(ARGV)
  local key = delivery_key(endpoint, event)
  local state = call('HGET', key, 'st')
  if not state or state == 'due' then return 0 end
  call('HSET', key, 'st', 'due', 'next', now)
  call('PERSIST', key)
  due(site, endpoint, event, now)
  wake_deliverers()
  return 1
end)
