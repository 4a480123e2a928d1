-- Retention: deletes texts, then comments, that a site keeps no longer.

-- FORGET: let go of a comment's words, or of all of it, once its retention is over.
-- KEYS: tag. ARGV: id, version, 'text' or 'all', the words of its text, then for 'text' the verdict and the
-- history, packed.
-- Returns 1 when it did.
-- Atomic so that a comment that was reopened meanwhile keeps its words.
register('forget', function()
  local id, version, what, words, remains = unpack(ARGV)
  local key, c = comment_key(id), look(id)
  if not c or c.st == 'pending' or c.v ~= tonumber(version) then return 0 end
  if call('ZSCORE', held_key(), id) then return 0 end
  unname_authors(c)
  unindex_words(c, words)
  if what == 'text' then
    if call('HDEL', key, 'd') == 0 then return 0 end
    call('HDEL', key, 'g', 'sc', 'h', 'e')
    if c.k then leave_queue(c) end      -- there is nothing to look at any more
    call('HSET', key, 'z', remains)
    call('DEL', kept_key(id))
    return 1
  end
  if c.st == 'flagged' or c.k then leave_queue(c) end
  local ext = call('HGET', key, 'x')
  if ext and find(index_of(c.site, 'externals'), ext) == id then drop(index_of(c.site, 'externals'), ext) end
  count(c.site, c.st, -1)
  unnumber(c)
  call('DEL', key, kept_key(id))
  withdraw(c.site, id)
  for _ = 1, 100 do                     -- decisions on comments that are gone, the oldest first
    local oldest = call('LINDEX', decided_key(c.site), -1)
    if not oldest or call('EXISTS', comment_key(oldest)) == 1 then break end
    call('RPOP', decided_key(c.site))
  end
  return 1
end, {'allow-oom'})   -- it frees memory
