-- Signs of life between processes.

-- BEAT: note that a process lives, by the server's own time. KEYS: tag. ARGV: the sorted set, the process's name, the
-- age of the note and the age at which names are forgotten, ms. Returns nothing.
-- Atomic so that the note has the time at which it is made, and is one round trip: each idle process makes one
-- every few seconds.
register('beat', function()
  local key, name, age, kept = unpack(ARGV)
  local time = call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  call('ZADD', key, now - age, name)
  call('ZREMRANGEBYSCORE', key, '-inf', now - kept)
end)
