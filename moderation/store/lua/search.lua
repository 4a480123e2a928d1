-- Search: comments of a site by status, author and word, the latest number first. A query is groups of
-- entries of one index; a comment is in a group if it has any of its entries, and is found if it is in as
-- many groups as needed. Words are hashed and the common ones are not indexed, so that a search reads
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

local function lists_of(part, group)  -- the lists of numbers of a group in a block; nil when it leads nowhere
  local index, lists = index_of(part, group.name), {size = 0}
  for _, entry in ipairs(group) do
    local list = find(index, entry)
    if list == '*' then return nil end
    if list == '+' then list = call('GET', posted_key(part, hex(entry))) end
    if list then lists[#lists + 1], lists.size = list, lists.size + #list / 2 end
  end
  return lists
end

local function is_in(lists, at)
  for _, list in ipairs(lists) do
    if has(list, at) then return true end
  end
  return false
end

-- Call visit(number) for the numbers of lists below *top*, the highest first and each once, until it
-- returns true. Returns the steps that it took: nothing is read of what lies behind.
local function descend(lists, top, visit)
  local places, heads, steps = {}, {}, 0
  for i, list in ipairs(lists) do
    places[i] = place_of(list, top) - 1
    heads[i] = places[i] >= 0 and at_in(list, places[i]) or -1
  end
  while true do
    local at = -1
    for i = 1, #heads do
      if heads[i] > at then at = heads[i] end
    end
    if at < 0 then return steps end
    for i = 1, #heads do
      if heads[i] == at then
        places[i], steps = places[i] - 1, steps + 1
        heads[i] = places[i] >= 0 and at_in(lists[i], places[i]) or -1
      end
    end
    if visit(at) then return steps end
  end
end

-- The groups of a block that lead somewhere, the smallest first, and in how many of them a comment must be.
local function groups_of(part, query)
  local groups, need = {}, query.need
  for _, group in ipairs(query.groups) do
    local lists = lists_of(part, group)
    if lists then groups[#groups + 1] = lists else need = need - 1 end
  end
  table.sort(groups, function(a, b) return a.size < b.size end)
  return groups, need
end

-- The numbers of a block, ascending, that are in at least *need* of the groups, and the steps that took.
local function in_enough(groups, need)
  local groups_by_number, found, steps = {}, {}, 0
  for _, lists in ipairs(groups) do
    steps = steps + descend(lists, BLOCK, function(at)
      groups_by_number[at] = (groups_by_number[at] or 0) + 1
      if groups_by_number[at] == need then found[#found + 1] = at end
    end)
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

local function is_empty(maps, byte)   -- whether none of eight numbers has any of the statuses
  for _, map in ipairs(maps) do
    if (string.byte(map.bits, byte) or 0) ~= 0 then return false end
  end
  return true
end

-- Call visit(number within the block, status) for what matches below *top*, the highest first, until it
-- returns true. Returns the steps that it took, as many as were visited and not as many as there are.
local function visit_block(part, query, letters, top, visit)
  local groups, need = groups_of(part, query)
  local smallest = groups[1]
  if need > 0 and need == #groups and #smallest == 0 then return 1 end
  local maps = bitmaps(part, letters)
  if #maps == 0 then return 1 end
  if need <= 0 then                   -- no index can tell
    local at, steps = top - 1, 0
    while at >= 0 do
      if at % 8 == 7 and is_empty(maps, (at + 1) / 8) then at, steps = at - 8, steps + 0.2
      else
        local letter = standing(maps, at)
        steps = steps + 0.2
        if letter and visit(at, letter) then break end
        at = at - 1
      end
    end
    return steps
  end
  if need == #groups then
    return 1 + descend(smallest, top, function(at)
      for i = 2, #groups do
        if not is_in(groups[i], at) then return false end
      end
      local letter = standing(maps, at)
      return letter and visit(at, letter)
    end)
  end
  local found, steps = in_enough(groups, need)
  for i = #found, 1, -1 do
    local letter = found[i] < top and standing(maps, found[i])
    if letter and visit(found[i], letter) then break end
  end
  return steps + 1
end

-- SEARCH: name comments that may be what is sought.
-- KEYS: tag. ARGV: site, letters of the statuses, the number to begin below ('' for the latest), the time before
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
-- KEYS: tag. ARGV: as for SEARCH, of which the time does not count; most: how many to count and to look at.
-- Returns {the number to go on below, '' at the end, then letter and number of each status}.
-- Atomic so that a comment whose status changes meanwhile counts once.
register('tally', function()
  local site, letters, below, _, most = unpack(ARGV, 1, 5)
  local query, sums_of, steps, seen, rest = read_query(), {}, 0, 0, ''
  local top = math.min(tonumber(below) or math.huge, numbered(site))
  most = tonumber(most)
  while top > 0 and rest == '' do
    local block = block_of(top - 1)
    steps = steps + visit_block(site .. ':' .. block, query, letters, top - block * BLOCK, function(at, letter)
      if seen >= most then
        rest = block * BLOCK + at + 1
        return true
      end
      sums_of[letter], seen = (sums_of[letter] or 0) + 1, seen + 1
    end)
    top = block * BLOCK
    if rest == '' and steps > most and top > 0 then rest = top end
  end
  local reply = {rest}
  for letter, number in pairs(sums_of) do reply[#reply + 1], reply[#reply + 2] = letter, number end
  return reply
end, {'no-writes'})
