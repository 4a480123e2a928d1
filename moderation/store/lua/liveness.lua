-- Signs of life between processes, by the server's own time.

-- Note that a process lives; return now, Unix ms.
local function beat(key, name, age, kept)
  local time = call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  call('ZADD', key, now - age, name)
  call('ZREMRANGEBYSCORE', key, '-inf', now - kept)
  return now
end

-- BEAT: note that a process lives. KEYS: tag. ARGV: the sorted set, the process's name, the age of the note and the
-- age at which names are forgotten, ms. Returns nothing.
-- Atomic so that the note has the time at which it is made, and is one round trip: each idle process makes one
-- every few seconds.
register('beat', function()
  beat(unpack(ARGV))
end)

-- WATCH: a watchdog's round, except for its shards. KEYS: tag. ARGV: its sorted set, its name, the age at which names
-- are forgotten, ms; the lock's key, who asks for it, how long it holds, ms; then the sorted set of each part.
-- Returns {now, -1 if who asks leads, else for how many ms another one does unless it says so again, then of each
-- part {name, last heartbeat, ...}}. A lock that would last for longer was taken before the clock was set back:
-- it counts for nothing.
-- Atomic so that one leads, and that a round takes one round trip.
register('watch', function()
  local mine, name, kept, lock, who, lock_ms = unpack(ARGV)
  local now = beat(mine, name, 0, kept)
  local holder, left = call('GET', lock), call('PTTL', lock)
  if not holder or holder == who or left > tonumber(lock_ms) then
    call('SET', lock, who, 'PX', lock_ms)
    left = -1
  else
    left = math.max(0, left)
  end
  local found = {now, left}
  for i = 7, #ARGV do found[#found + 1] = call('ZRANGE', ARGV[i], 0, -1, 'WITHSCORES') end
  return found
end)

-- FIRST: the periodic jobs that are due; each is returned as due once. KEYS: tag. ARGV: now, then the mark's key and
-- the interval of each, ms. Returns 0 for one that is due, else in how many ms it is. A mark that would last for longer was set
-- before the clock was set back: it counts for nothing.
-- Atomic so that no two watchdogs enqueue the same job.
register('first', function()
  local found = {}
  for i = 2, #ARGV, 2 do
    local left = call('PTTL', ARGV[i])
    if left == 0 then left = 1 end
    if left < 0 or left > tonumber(ARGV[i + 1]) then
      call('SET', ARGV[i], ARGV[1], 'PX', ARGV[i + 1])
      left = 0
    end
    found[#found + 1] = left
  end
  return found
end)
