-- Queries that need more than one command.

-- FIND: look up entries of an index. KEYS: tag. ARGV: site, 'externals', then the entries.
-- Returns what each leads to, '' for nothing.
-- Atomic so that no entry is missed that goes to another bucket meanwhile.
register('find', function()
  local found = {}
  for i = 3, #ARGV do found[i - 2] = find(index_of(ARGV[1], ARGV[2]), ARGV[i]) or '' end
  return found
end, {'no-writes'})

-- SURROUNDINGS: what comments of a site are judged beside.
-- KEYS: tag. ARGV: site. Returns {entries of recent texts, '' for none, 1 if there are records of people}.
-- Atomic so that both are of one moment.
register('surroundings', function()
  return {call('GET', near_key(ARGV[1])) or '', call('EXISTS', people_key(ARGV[1]))}
end, {'no-writes'})

-- AGENDA: what the watchdog has to do in a shard, and when.
-- KEYS: tag. ARGV: in how many ms the latest lease can end, and the latest undo window close.
-- Returns {1 if comments wait for a worker, when the first lease ends, when the first window closes,
-- when the first site is to be learned}, '' for none; 1 where one ends later than any can, since the
-- clock was set back.
-- By the server's own time, so that the watchdog need not ask for it first.
-- Atomic so that a comment is seen in its list or on its lease.
register('agenda', function()
  local time = call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local latest_lease, latest_window = now + ARGV[1], now + ARGV[2]
  local function first(key, latest)
    local at = call('ZRANGE', key, 0, 0, 'WITHSCORES')[2]
    if at and call('ZCOUNT', key, '(' .. latest, '+inf') > 0 then return 1 end
    return at or ''
  end
  local work = call('EXISTS', ring_key(), suspects_key()) > 0 and 1 or 0
  local learning = first(unlearned_key(), now + LEARN_LEASE_MS)
  return {work, first(leases_key(), latest_lease), first(held_key(), latest_window), learning}
end, {'no-writes'})

local function is_before(one, other)  -- by bytes; Lua compares by the server's locale
  for i = 1, math.min(#one, #other) do
    local a, b = string.byte(one, i), string.byte(other, i)
    if a ~= b then return a < b end
  end
  return #one < #other
end

-- RANKED: a site's queue from behind a place on, which need not be taken any more.
-- KEYS: tag. ARGV: site, 1 by priority or 0 by time, 1 for the lowest first, score and id of the place ('' for the
-- beginning), how many. Returns id and score each. Logarithmic in the queue, however many share a score.
-- Atomic so that a place is found in the queue that it is then read from.
register('ranked', function()
  local site, priority, rising, score, last, count = unpack(ARGV)
  local key = priority == '1' and queue_key(site) or waiting_key(site)
  local range, from = rising == '1' and 'ZRANGE' or 'ZREVRANGE', 0
  if score ~= '' then
    local first, final = '-inf', '(' .. score
    if rising ~= '1' then first, final = '(' .. score, '+inf' end
    from = call('ZCOUNT', key, first, final)
    local to = from + call('ZCOUNT', key, score, score)
    while from < to do
      local middle = math.floor((from + to) / 2)
      local id = call(range, key, middle, middle)[1]
      local behind
      if rising == '1' then behind = is_before(last, id) else behind = is_before(id, last) end
      if behind then to = middle else from = middle + 1 end
    end
  end
  return call(range, key, from, from + tonumber(count) - 1, 'WITHSCORES')
end, {'no-writes'})
