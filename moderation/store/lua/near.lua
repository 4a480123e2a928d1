-- Signatures of recent texts: one string a site with NEAR_KEPT entries of NEAR_BYTES bytes each; a new
-- entry overwrites the oldest. store/near.py defines the fields of an entry; this file knows only that
-- the id of its comment ends it, NEAR_COMMENT bytes into it.

local function note_near(site, entries)         -- in the place of the oldest
  local at = (call('HINCRBY', counts_key(), site .. ':near', #entries) - #entries) % NEAR_KEPT
  local room = NEAR_KEPT - at
  call('SETRANGE', near_key(site), at * NEAR_BYTES, table.concat(entries, '', 1, math.min(room, #entries)))
  if #entries > room then
    call('SETRANGE', near_key(site), 0, table.concat(entries, '', room + 1, math.min(#entries, room + NEAR_KEPT)))
  end
  call('EXPIRE', near_key(site), 86400)
end

local function forget_near(site, comment)       -- blank the entries of a comment, under any author
  local entries_of_site = call('GET', near_key(site)) or ''
  for at = 1, #entries_of_site, NEAR_BYTES do
    if string.sub(entries_of_site, at + NEAR_COMMENT, at + NEAR_BYTES - 1) == comment then
      call('SETRANGE', near_key(site), at - 1, string.rep('\0', NEAR_BYTES))
    end
  end
end
