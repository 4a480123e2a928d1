-- Queries that need more than one command.

-- FIND: look up entries of an index. ARGV: site, 'externals', then the entries.
-- Returns what each leads to, '' for nothing.
-- Atomic so that no entry is missed that goes to another bucket meanwhile.
register('find', function()
  local found = {}
  for i = 3, #ARGV do found[i - 2] = find(index_of(ARGV[1], ARGV[2]), ARGV[i]) or '' end
  return found
end, {'no-writes'})

-- AGENDA: what the watchdog has to do in a shard, and when.
-- ARGV: now, when the latest lease can end, when the latest undo window can close.
-- Returns {1 if comments wait for a worker, when the first lease ends, when the first window closes,
-- when the first site is to be learned}, '' for none; now where one ends later than any can, since
-- the clock was set back.
-- Atomic so that a comment is seen in its list or on its lease.
register('agenda', function()
  local now, latest_lease, latest_window = unpack(ARGV)
  local function first(key, latest)
    local at = call('ZRANGE', key, 0, 0, 'WITHSCORES')[2]
    if at and call('ZCOUNT', key, '(' .. latest, '+inf') > 0 then return now end
    return at or ''
  end
  local work = call('EXISTS', ring_key(), suspects_key()) > 0 and 1 or 0
  local learning = first(unlearned_key(), now + LEARN_LEASE_MS)
  return {work, first(leases_key(), latest_lease), first(held_key(), latest_window), learning}
end, {'no-writes'})
