-- Remarks: what moderators write about a comment. They stand beside it (kept_key), n:1, n:2, ... for notes and
-- a:1, a:2, ... for replies (answers), and go with its text.

local function last_of(id, kind) return tonumber(call('HGET', kept_key(id), kind) or 0) end

local REPEAT_MS = 60000

-- Whether a remark is the same as another, sent twice: of the same text and author, within a minute.
local function is_repeat(line, before)
  local one, other = cjson.decode(line), cjson.decode(before)
  return one[1] == other[1] and one[2] == other[2] and one[3] - other[3] < REPEAT_MS
end

-- Put a remark beside a comment. Returns its number; 0 when there are *most* already. The last one sent twice
-- is one remark: a form is sent twice by a double click, and redis-py sends again what it got no answer to.
local function remark(id, kind, line, most)
  local last = last_of(id, kind)
  local before = last > 0 and call('HGET', kept_key(id), kind .. ':' .. last)
  if before and is_repeat(line, before) then return last, true end
  if last >= tonumber(most) then return 0 end
  call('HSET', kept_key(id), kind, last + 1, kind .. ':' .. last + 1, line)
  return last + 1
end

-- NOTE: put a moderator's note beside a comment.
-- KEYS: tag. ARGV: id, note, most. Returns {'missing'}, {'expired'}, {'full'} or {'ok', its number}.
-- Atomic so that no note is written to a comment that was erased meanwhile.
register('note', function()
  local id, line, most = unpack(ARGV)
  local c = look(id)
  if not c or c.st == 'erased' then return {'missing'} end
  if call('HEXISTS', comment_key(id), 'd') == 0 then return {'expired'} end
  local number = remark(id, 'n', line, most)
  return number == 0 and {'full'} or {'ok', number}
end)

-- REPLY: put a reply beside an approved comment, and tell the blog. A decision that could still be undone is
-- sent first: without the comment there is nothing to reply to.
-- KEYS: tag. ARGV: now, id, reply, most, event.
-- Returns {'missing'}, {'expired'}, {'illegal', status}, {'full'} or {'ok', its number, 1 for one sent twice}.
-- Atomic so that no reply is kept without its event, or sent before its comment.
register('reply', function()
  local now, id, line, most, event = unpack(ARGV)
  local c = look(id)
  if not c or c.st == 'erased' then return {'missing'} end
  if c.st ~= 'approved' then return {'illegal', c.st} end
  if call('HEXISTS', comment_key(id), 'd') == 0 then return {'expired'} end
  local number, again = remark(id, 'a', line, most)
  if number == 0 then return {'full'} end
  if again then return {'ok', number, 1} end
  if call('ZSCORE', held_key(), id) then tell_held(id, now) end
  local cursor = announce(c.site, event, id, c.r, number, now)
  call('HSET', kept_key(id), 'c:' .. number, cursor)
  return {'ok', number, 0}
end)
