-- Search: comments of a site by status, author and word, the latest number first. A query is groups of
-- entries of one index; a comment is in a group if it has any of its entries, and is found if it is in as
-- many groups as needed. Words are hashed and the common ones are not indexed, so that whoever asks reads
-- the text, too.

-- Numbers that one call looks at, at most: some 10 ms.
local BUDGET = 50000

local function read_query()           -- from the end of ARGV: need, then name, count and entries of each
  local query, i = {need = tonumber(ARGV[6]), groups = {}}, 7
  while ARGV[i] do
    local group = {name = ARGV[i], unpack(ARGV, i + 2, i + 1 + tonumber(ARGV[i + 1]))}
    query.groups[#query.groups + 1] = group
    i = i + 2 + #group
  end
  return query
end

local function list_of(part, group)   -- the numbers of a group in a block; nil when it leads nowhere
  local index, lists = index_of(part, group.name), {}
  for _, entry in ipairs(group) do
    local list = find(index, entry)
    if list == '*' then return nil end
    if list == '+' then list = call('GET', posted_key(part, hex(entry))) end
    if list then lists[#lists + 1] = list end
  end
  if #lists < 2 then return lists[1] or '' end
  local seen, all = {}, {}
  for _, list in ipairs(lists) do
    for place = 0, #list / 2 - 1 do
      local at = at_in(list, place)
      if not seen[at] then seen[at], all[#all + 1] = true, at end
    end
  end
  table.sort(all)
  for place, at in ipairs(all) do all[place] = two(at) end
  return table.concat(all)
end

-- The numbers of a block, ascending, that are in enough groups; nil where no index can tell.
local function matches(part, query)
  local lists, need = {}, query.need
  for _, group in ipairs(query.groups) do
    local list = list_of(part, group)
    if list then lists[#lists + 1] = list else need = need - 1 end
  end
  if need <= 0 then return nil end
  table.sort(lists, function(a, b) return #a < #b end)
  local found = {}
  if need == #lists then
    for place = 0, #lists[1] / 2 - 1 do
      local at, all = at_in(lists[1], place), true
      for i = 2, #lists do all = all and has(lists[i], at) end
      if all then found[#found + 1] = at end
    end
    return found, #lists[1] / 2
  end
  local groups, steps = {}, 0         -- the number of groups that each is in
  for _, list in ipairs(lists) do
    steps = steps + #list / 2
    for place = 0, #list / 2 - 1 do
      local at = at_in(list, place)
      groups[at] = (groups[at] or 0) + 1
      if groups[at] == need then found[#found + 1] = at end
    end
  end
  table.sort(found)
  return found, steps
end

local function bitmaps(part, letters) -- of each status that has any comment of the block
  local maps = {}
  for letter in string.gmatch(letters, '.') do
    local key = standing_key(part, letter)
    if call('BITCOUNT', key) > 0 then maps[#maps + 1] = {letter = letter, bits = call('GET', key)} end
  end
  return maps
end

local function standing(maps, at)     -- the status of a number, nil for none of those
  local byte, mask = math.floor(at / 8) + 1, 2 ^ (7 - at % 8)
  for _, map in ipairs(maps) do
    if bit.band(string.byte(map.bits, byte) or 0, mask) ~= 0 then return map.letter end
  end
end

-- Call visit(number within the block, status) for what matches below *top*, the highest first, until it
-- returns true. Returns the steps that it took.
local function visit_block(part, query, letters, top, visit)
  local maps = bitmaps(part, letters)
  if #maps == 0 then return 1 end
  local found, steps = matches(part, query)
  if found then
    for i = #found, 1, -1 do
      local letter = found[i] < top and standing(maps, found[i])
      if letter and visit(found[i], letter) then break end
    end
    return steps + 1
  end
  steps = 0
  for at = top - 1, 0, -1 do
    steps = steps + 0.2
    local letter = standing(maps, at)
    if letter and visit(at, letter) then break end
  end
  return steps
end

-- SEARCH: name comments that may be what is sought.
-- ARGV: site, letters of the statuses, the number to begin below ('' for the latest), the time before
-- which they came in ms ('' for any), most, need, then for each group index, count, entries.
-- Returns {the number to go on below, '' at the end, then number and id of each}.
-- Atomic so that a comment is not missed whose status changes meanwhile.
register('search', function()
  local site, letters, below, before, most = unpack(ARGV, 1, 5)
  local query, reply, steps, full = read_query(), {''}, 0, false
  local top = math.min(tonumber(below) or math.huge, numbered(site))
  while top > 0 and not full do
    local block = block_of(top - 1)
    steps = steps + visit_block(site .. ':' .. block, query, letters, top - block * BLOCK, function(at)
      local id = call('GETRANGE', numbered_key(site, block), at * 22, at * 22 + 21)
      steps = steps + 1
      if before == '' or made(id) < tonumber(before) then
        reply[#reply + 1], reply[#reply + 2] = block * BLOCK + at, id
      end
      full = #reply > 2 * tonumber(most) or steps > BUDGET
      if full then reply[1] = block * BLOCK + at end
      return full
    end)
    top = block * BLOCK
    if not full and steps > BUDGET and top > 0 then full, reply[1] = true, top end
  end
  return reply
end, {'no-writes'})

-- TALLY: count what SEARCH would name, by status.
-- ARGV: as for SEARCH, of which the time does not count; most: the steps to take.
-- Returns {the number to go on below, '' at the end, then letter and number of each status}.
-- Atomic so that a comment whose status changes meanwhile counts once.
register('tally', function()
  local site, letters, below, _, most = unpack(ARGV, 1, 5)
  local query, sums_of, steps, rest = read_query(), {}, 0, ''
  local top = math.min(tonumber(below) or math.huge, numbered(site))
  while top > 0 do
    local block = block_of(top - 1)
    steps = steps + visit_block(site .. ':' .. block, query, letters, top - block * BLOCK, function(_, letter)
      sums_of[letter] = (sums_of[letter] or 0) + 1
    end)
    top = block * BLOCK
    if steps > tonumber(most) and top > 0 then
      rest = top
      break
    end
  end
  local reply = {rest}
  for letter, number in pairs(sums_of) do reply[#reply + 1], reply[#reply + 2] = letter, number end
  return reply
end, {'no-writes'})
