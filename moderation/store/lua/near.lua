-- The ring of recent texts' signatures, one string a site: NEAR_KEPT entries of NEAR_BYTES each. What
-- an entry looks like, near.py knows; here it is a piece of a string with an author's number at
-- NEAR_AUTHOR.

local function note_near(site, entries)         -- in the place of the oldest
  local at = (call('HINCRBY', counts_key(), site .. ':near', #entries) - #entries) % NEAR_KEPT
  local room = NEAR_KEPT - at
  call('SETRANGE', near_key(site), at * NEAR_BYTES, table.concat(entries, '', 1, math.min(room, #entries)))
  if #entries > room then
    call('SETRANGE', near_key(site), 0, table.concat(entries, '', room + 1, math.min(#entries, room + NEAR_KEPT)))
  end
  call('EXPIRE', near_key(site), 86400)
end

local function forget_near(site, author)        -- blank the entries of an erased author
  local ring = call('GET', near_key(site)) or ''
  for at = 1, #ring, NEAR_BYTES do
    local from = at + NEAR_AUTHOR
    if string.sub(ring, from, from + #author - 1) == author then
      call('SETRANGE', near_key(site), at - 1, string.rep('\0', NEAR_BYTES))
    end
  end
end
