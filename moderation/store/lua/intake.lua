-- Intake: comments come in, are edited and are erased.

-- ACCEPT: store drafts as pending, all or none.
-- KEYS: tag. ARGV: now, day, site, cap, site cap, count, then per draft id, document, digest, external id (eight
-- bytes of a digest, or ''), and its author's entries, eight bytes each, joined.
-- Returns {'busy'|'site_busy'} or {'ok', wake, then outcome, id, status per draft}.
-- Atomic so that what is acknowledged is stored, counted, listed and findable, or nothing is.
register('accept', function()
  local now, day, site, cap, share, n = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])

  local function existing(id, ext)      -- the comment that this draft repeats
    if call('EXISTS', comment_key(id)) == 1 then return id end
    local known = ext ~= '' and find(index_of(site, 'externals'), ext)
    if known and call('EXISTS', comment_key(known)) == 1 then return known end
  end

  local all = tonumber(call('HGET', counts_key(), 'pending') or 0)
  local own = tonumber(call('HGET', counts_key(), site .. ':pending') or 0)
  if all + n > cap or own + n > share then        -- near the limit, repeats do not count
    local fresh = 0
    for i = 0, n - 1 do
      if not existing(ARGV[7 + i * 5], ARGV[10 + i * 5]) then fresh = fresh + 1 end
    end
    if fresh > 0 and all + fresh > cap then return {'busy'} end
    if fresh > 0 and own + fresh > share then return {'site_busy'} end
  end

  local reply, fresh = {'ok', 0}, {}
  sums = {}
  for i = 0, n - 1 do
    local id, doc, digest, ext, whos = unpack(ARGV, 7 + i * 5, 11 + i * 5)
    local known = existing(id, ext)
    if known then
      local st, g = unpack(call('HMGET', comment_key(known), 'st', 'g'))
      local same = not g or g == digest or known == id or sent_digest(known) == digest
      local outcome = same and 'same' or 'conflict'
      reply[#reply + 1], reply[#reply + 2], reply[#reply + 3] = outcome, known, STATUS[st]
    else
      keep(id, site, doc, digest, ext, whos, true)
      fresh[#fresh + 1] = id
      reply[#reply + 1], reply[#reply + 2], reply[#reply + 3] = 'new', id, 'pending'
    end
  end
  if #fresh > 0 then
    kept(fresh, site, day)
    line_up(site, fresh)
    reply[2] = wake()
  end
  add_all_up()
  return reply
end)

-- Whether a comment that a door has judged is new: its id and status, or those of the one that it repeats.
local function record_one(site, id, doc, digest, ext, whos, status, window, now)
  local known = call('EXISTS', comment_key(id)) == 1 and id
  if not known and ext ~= '' then
    local before = find(index_of(site, 'externals'), ext)
    local recent = before and (window == '' or made(before) + tonumber(window) >= tonumber(now))
    known = recent and call('EXISTS', comment_key(before)) == 1 and before
  end
  local st, g, v
  if known then
    st, g, v = unpack(call('HMGET', comment_key(known), 'st', 'g', 'v'))
    local stands = STATUS[st] == status or v ~= '1'   -- after the first, moves are people's
    if g ~= digest and sent_digest(known) == digest then g = digest end
    known = (window == '' or known == id or (g == digest and stands)) and known
  end
  if known then
    return (not g or g == digest or known == id) and 'same' or 'conflict', known, STATUS[st]
  end
  return 'new', id, status, keep(id, site, doc, digest, ext, whos, false)
end

-- RECORD: store drafts that a door has judged or an import brings in, settled or flagged.
-- KEYS: tag. ARGV: for each now, day, site, id, document, digest, external, author's entries, status, scores,
-- priority, by, reason, event ('' to tell nobody), daily field, repeat window in ms ('' for ever), decision
-- ('' when the machine settled it), NEAR entry ('' for none), 1 for a spot check.
-- With a window, only the same document is a repeat, and only while the machine would not settle it
-- otherwise by now; without one, whatever has the external id.
-- Returns outcome, id and status of each. Atomic so that a door never answers for what is not kept.
register('record', function()
  local reply, days, seen = {}, {}, {}
  sums = {}
  for i = 1, #ARGV, 19 do
    local now, day, site, id, doc, digest, ext, whos = unpack(ARGV, i, i + 7)
    local status, scores, rank, by, reason, event, field, window, decision, near, spot = unpack(ARGV, i + 8, i + 18)
    local outcome, known, stands, n = record_one(site, id, doc, digest, ext, whos, status, window, now)
    reply[#reply + 1], reply[#reply + 2], reply[#reply + 3] = outcome, known, stands
    if outcome == 'new' then
      local c = {id = id, site = site, st = 'pending', r = '1', v = 0, n = n}
      move(c, status, now, by, reason, {rank = rank, scores = scores, note = '', revision = decision ~= '' and 1 or nil, spot = spot == '1'})
      tally(site, day, field, 1)
      if decision ~= '' then
        call('LPUSH', decided_key(site), id)
        tally(site, day, 'decided:' .. decision, 1)
        note_decision(c, decision, by, made(id), now)
      end
      emit(c, event, now)
      local own = days[site .. day] or {site = site, day = day, ids = {}}
      table.insert(own.ids, id)
      days[site .. day] = own
      if near ~= '' then
        seen[site] = seen[site] or {}
        table.insert(seen[site], near)
      end
    end
  end
  for _, own in pairs(days) do kept(own.ids, own.site, own.day) end
  for site, entries in pairs(seen) do note_near(site, entries) end
  add_all_up()
  return reply
end)

-- EDIT: make a document the next revision, pending again (in place while still pending).
-- KEYS: tag. ARGV: now, id, document, digest, by, event, author's entries, the digest that the caller saw, the
-- words of that text and of the new one, its id as in NEAR.
-- Returns {'missing'}, {'same', 0}, {'changed'} when the caller saw another text, or {'ok', wake}.
-- Atomic so that the old text can no longer be approved, or found, once the new one is stored.
register('edit', function()
  local now, id, doc, digest, by, event, whos, seen, old, new, near = unpack(ARGV)
  local key, c = comment_key(id), look(id)
  if not c or c.st == 'erased' then return {'missing'} end
  local g = call('HGET', key, 'g') or ''
  if (g == digest or sent_digest(id) == digest) and call('HEXISTS', key, 'd') == 1 then return {'same', 0} end
  if g ~= seen then return {'changed'} end
  preserve(c)
  forget_original(c)
  c.r = c.r + 1
  unindex_words(c, old)
  if is_indexed(c.site, c.n) then index_words(c.site, c.n, new) end
  call('HSET', key, 'd', doc, 'g', digest, 'r', c.r)
  call('HDEL', key, 'sc')
  name_authors(c, whos)
  forget_near(c.site, near)
  unhold(id)
  if c.st ~= 'pending' then
    move(c, 'pending', now, by, 'edited')
    emit(c, event, now)
  end
  call('HDEL', deaths_key(), id)
  enqueue(id, c.site)
  return {'ok', wake()}
end)

-- REVISE: put a moderator's text in the place of a comment's, which keeps its status, scores and verdict;
-- what its author wrote stays beside it.
-- KEYS: tag. ARGV: now, id, document, digest, by, event, revision that the moderator saw, the digest that the caller
-- saw, the words of that text and of the new one.
-- Returns {'missing'}, {'stale', revision}, {'illegal', status}, {'held'} while a decision can be undone,
-- {'expired'}, {'same'}, {'changed'} when the caller saw another text, or {'ok'}.
-- Atomic so that nobody approves a text other than the one they saw, and none is found that is gone.
register('revise', function()
  local now, id, doc, digest, by, event, revision, seen, old, new = unpack(ARGV)
  local key, c = comment_key(id), look(id)
  if not c or c.st == 'erased' then return {'missing'} end
  local g = call('HGET', key, 'g') or ''
  if g == digest and repeated(c, by, 'revised', now) then return {'ok'} end
  if c.r ~= revision then return {'stale', c.r} end
  if c.st ~= 'flagged' and c.st ~= 'approved' then return {'illegal', c.st} end
  if call('ZSCORE', held_key(), id) then return {'held'} end
  if call('HEXISTS', key, 'd') == 0 then return {'expired'} end
  if g == digest then return {'same'} end
  if g ~= seen then return {'changed'} end
  preserve(c)
  if not c.e then
    call('HSET', kept_key(id), 'o:d', call('HGET', key, 'd'), 'o:g', g)
    call('HSET', key, 'e', c.r)
  end
  c.r = tonumber(c.r) + 1
  unindex_words(c, old)
  if is_indexed(c.site, c.n) then index_words(c.site, c.n, new) end
  call('HSET', key, 'd', doc, 'g', digest, 'r', c.r)
  write_line(c, {LETTER[c.st] .. LETTER[c.st], by, 'revised', tonumber(now) - made(id)})
  announce(c.site, event, id, c.r, c.v, now, c.st)
  return {'ok'}
end)

-- ERASE: leave a tombstone of id, site, digest and time.
-- KEYS: tag. ARGV: now, id, by, event, its id as in NEAR, the digest that the caller saw, the words of that text.
-- Returns {'missing'|'already'|'changed'|'ok'}; 'changed' as for EDIT.
-- Atomic so that no reader finds words in one place that are gone from another.
register('erase', function()
  local now, id, by, event, near, seen, words = unpack(ARGV)
  local c = look(id)
  if not c then return {'missing'} end
  if c.st == 'erased' then return {'already'} end
  if (call('HGET', comment_key(id), 'g') or '') ~= seen then return {'changed'} end
  unhold(id)
  unindex_words(c, words)
  move(c, 'erased', now, by, 'erased')
  call('HDEL', comment_key(id), 'd', 'sc', 'h', 'z', 'e')
  call('HSET', comment_key(id), 'u', now)
  call('HDEL', deaths_key(), id)
  call('DEL', kept_key(id))
  erase_evidence(c.site, id, now)
  unname_authors(c)
  forget_near(c.site, near)
  emit(c, event, now)
  return {'ok'}
end, {'allow-oom'})    -- it frees memory
