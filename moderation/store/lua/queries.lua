-- Queries that need more than one command.

-- FIND: look up entries of an index. ARGV: site, 'externals' or 'authors', then the entries.
-- Returns what each leads to, '' for nothing.
-- Atomic so that no entry is missed that goes to another bucket meanwhile.
register('find', function()
  local found = {}
  for i = 3, #ARGV do found[i - 2] = find(index_of(ARGV[1], ARGV[2]), ARGV[i]) or '' end
  return found
end, {'no-writes'})
