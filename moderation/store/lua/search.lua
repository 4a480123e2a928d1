-- Search: comments of a site by status, author and word, the latest number first. A query is groups of
-- entries of one index; a comment is in a group if it has any of its entries, and is found if it is in as
-- many groups as needed. Words are hashed and the common ones are not indexed, so that a search reads
-- the text, too.

-- Steps that one call takes, about: a step is a number that is read, and 10,000 take some 3 ms of the server.
local BUDGET = 10000
-- Those of a call that only counts.
local COUNTING = 5000
-- Blocks in which an author's standing is looked for, the latest, so that it costs no more with a million comments.
local STANDING_BLOCKS = 4
-- Steps of a command that reads a list or a bitmap, and of one that reads an id.
local LIST_STEPS, ID_STEPS = 20, 10

local steps, most_steps               -- that this call has taken, and that it may take

local function read_query()           -- from the end of ARGV: need, then name, count and entries of each
  local query, i = {need = tonumber(ARGV[6]), groups = {}}, 7
  while ARGV[i] do
    local group = {name = ARGV[i], unpack(ARGV, i + 2, i + 1 + tonumber(ARGV[i + 1]))}
    query.groups[#query.groups + 1] = group
    i = i + 2 + #group
  end
  return query
end

-- A reader has a list, and the highest number of it that was not passed yet (-1: none) with its place.

-- Pass what lies above *at*; return the highest number that is left. Strides that double, then halving: the
-- cost is logarithmic in how far it goes, and nothing is read of what lies behind.
local function seek_in(reader, at)
  local list, high, stride = reader.list, reader.place, 1
  if reader.number <= at then return reader.number end
  local low = high - 1
  while low >= 0 and at_in(list, low) > at do
    stride, high = 2 * stride, low
    low, steps = low - stride, steps + 1
  end
  if low < -1 then low = -1 end
  while high - low > 1 do             -- at low or below it stands the first that is not above
    local middle = math.floor((low + high) / 2)
    if at_in(list, middle) > at then high = middle else low = middle end
    steps = steps + 1
  end
  reader.place, reader.number, steps = low, low >= 0 and at_in(list, low) or -1, steps + 1
  return reader.number
end

-- A group in a block: the readers of its entries' lists; nil when an entry leads nowhere.
local function group_of(part, wanted)
  local index, group = index_of(part, wanted.name), {size = 0, number = -1}
  for _, entry in ipairs(wanted) do
    local list = find(index, entry)
    if list == '*' then return nil end
    if list == '+' then list = call('GET', posted_key(part, hex(entry))) end
    if list and list ~= '' then
      group[#group + 1] = {list = list, place = #list / 2, number = BLOCK}
      group.size, group.number = group.size + #list / 2, BLOCK
    end
    steps = steps + (list and LIST_STEPS or 1)
  end
  return group
end

local function seek(group, at)        -- as seek_in(), in all lists of a group
  if group.number <= at then return group.number end
  local highest = -1
  for i = 1, #group do
    local number = seek_in(group[i], at)
    if number > highest then highest = number end
  end
  group.number = highest
  return highest
end

-- The groups of a block that lead somewhere, the smallest first, and in how many of them a comment must be.
local function groups_of(part, query)
  local groups, need = {}, query.need
  for _, wanted in ipairs(query.groups) do
    local group = group_of(part, wanted)
    if group then groups[#groups + 1] = group else need = need - 1 end
  end
  table.sort(groups, function(a, b) return a.size < b.size end)
  return groups, need
end

-- Call visit(number) for what is below *top* in at least *need* groups, the highest number first, until it
-- returns true or the steps are spent; then the number to go on below is returned, nil at the end. What is in
-- *need* of the groups is in one of the smallest: those lead, and the others are asked for what they name.
local function each_in_groups(groups, need, top, visit)
  local leaders, at = #groups - need + 1, -1
  for i = 1, leaders do at = math.max(at, seek(groups[i], top - 1)) end
  while at >= 0 do
    local is_in, following = 0, -1
    for i = 1, leaders do
      if groups[i].number == at then
        is_in = is_in + 1
        seek(groups[i], at - 1)
      end
      following = math.max(following, groups[i].number)
    end
    for i = leaders + 1, #groups do
      if is_in + #groups - i + 1 < need then break end
      if seek(groups[i], at) == at then is_in = is_in + 1 end
    end
    if is_in >= need and visit(at) then return at end
    at, steps = following, steps + 1
    if steps > most_steps and at >= 0 then return at + 1 end
  end
end

local function bitmaps(part, letters) -- of each status that has any comment of the block
  local maps = {}
  for letter in string.gmatch(letters, '.') do
    local key = standing_key(part, letter)
    if call('BITCOUNT', key) > 0 then maps[#maps + 1] = {letter = letter, bits = call('GET', key)} end
    steps = steps + LIST_STEPS
  end
  return maps
end

local function standing(maps, at)     -- the status of a number, nil for none of those
  local byte, mask = math.floor(at / 8) + 1, 2 ^ (7 - at % 8)
  steps = steps + 1
  for _, map in ipairs(maps) do
    if bit.band(string.byte(map.bits, byte) or 0, mask) ~= 0 then return map.letter end
  end
end

local function is_empty(maps, byte)   -- whether none of eight numbers has any of the statuses
  steps = steps + 1
  for _, map in ipairs(maps) do
    if (string.byte(map.bits, byte) or 0) ~= 0 then return false end
  end
  return true
end

-- As each_in_groups(), of all that has one of the statuses.
local function each_standing(maps, top, visit)
  local at = top - 1
  while at >= 0 do
    if at % 8 == 7 and is_empty(maps, (at + 1) / 8) then at = at - 8
    else
      local letter = standing(maps, at)
      if letter and visit(at, letter) then return at end
      at = at - 1
    end
    if steps > most_steps then return at + 1 end
  end
end

-- Call visit(number within the block, status) for what matches below *top*, the highest first, until it returns
-- true or the steps are spent. Returns the number to go on below, nil at the end, and whether each
-- that was visited is in all the groups that it has to be in: an entry of very many leads nowhere.
local function visit_block(part, query, letters, top, visit)
  local groups, need = groups_of(part, query)
  local is_sure, candidates = need == query.need, 0
  for i = 1, #groups - math.max(need, 1) + 1 do candidates = candidates + groups[i].size end
  if need > 0 and candidates == 0 then return nil, true end
  local maps = bitmaps(part, letters)
  if #maps == 0 then return nil, true end
  if need <= 0 then return each_standing(maps, top, visit), is_sure end
  return each_in_groups(groups, need, top, function(at)
    local letter = standing(maps, at)
    return letter and visit(at, letter)
  end), is_sure
end

-- Call visit(block, number within it, status) for what matches below *below* ('' for all) at a site, as in
-- visit_block(), within *most* steps. Returns the number to go on below, '' at the end, and whether all that
-- was visited is sure. With *blocks*, in that number of blocks at most, and '' at their end.
local function visit_site(site, query, letters, below, most, visit, blocks)
  local top, is_sure = math.min(tonumber(below) or math.huge, numbered(site)), true
  local bottom = blocks and math.max(0, (block_of(top - 1) - blocks + 1) * BLOCK) or 0
  steps, most_steps = 0, most
  while top > bottom do
    local block = block_of(top - 1)
    local rest, is_sure_here = visit_block(
      site .. ':' .. block, query, letters, top - block * BLOCK, function(at, letter) return visit(block, at, letter) end)
    is_sure = is_sure and is_sure_here
    top = block * BLOCK + (rest or 0)
    if rest or steps > most_steps then return top > 0 and top or '', is_sure end
  end
  return '', is_sure
end

-- SEARCH: name comments that may be what is sought.
-- KEYS: tag. ARGV: site, letters of the statuses, the number to begin below ('' for the latest), the time before
-- which they came in ms ('' for any), most, need, then for each group index, count, entries.
-- Returns {the number to go on below, '' at the end, the steps that it took, then number and id of each}.
-- Atomic so that a comment is not missed whose status changes meanwhile.
register('search', function()
  local site, letters, below, before, most = unpack(ARGV, 1, 5)
  local reply = {'', 0}
  reply[1] = visit_site(site, read_query(), letters, below, BUDGET, function(block, at)
    local id = call('GETRANGE', numbered_key(site, block), at * 22, at * 22 + 21)
    steps = steps + ID_STEPS
    if before == '' or made(id) < tonumber(before) then
      reply[#reply + 1], reply[#reply + 2] = block * BLOCK + at, id
    end
    return #reply >= 2 * tonumber(most) + 2
  end)
  reply[2] = steps
  return reply
end, {'no-writes'})

-- TALLY: count what SEARCH would name, by status.
-- KEYS: tag. ARGV: as for SEARCH, of which the time does not count; most: how many to count.
-- Returns {the number to go on below, '' at the end, the steps that it took, 1 if each that was counted is in
-- all groups that it has to be in, 0 if an entry led nowhere, then letter and number of each status}.
-- Atomic so that a comment whose status changes meanwhile counts once.
register('tally', function()
  local site, letters, below, _, most = unpack(ARGV, 1, 5)
  local sums_of, seen, next_one = {}, 0, nil
  local rest, is_sure = visit_site(site, read_query(), letters, below, COUNTING, function(block, at, letter)
    if seen >= tonumber(most) then
      next_one = block * BLOCK + at
      return true
    end
    sums_of[letter], seen = (sums_of[letter] or 0) + 1, seen + 1
  end)
  local reply = {next_one and next_one + 1 or rest, steps, is_sure and 1 or 0}
  for letter, number in pairs(sums_of) do reply[#reply + 1], reply[#reply + 2] = letter, number end
  return reply
end, {'no-writes'})

-- STANDINGS: count the comments of authors in two groups of statuses.
-- KEYS: tag. ARGV: site, letters of the one group, letters of the other, how many to count of each at most, then
-- for each author the number of its digests, and these.
-- Returns the two counts of each author, among the site's latest STANDING_BLOCKS blocks. The authors of a call share
-- its steps: of one with very many comments the latest count.
-- Atomic so that a comment whose status changes meanwhile counts once.
register('standings', function()
  local site, one, other, most = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
  local authors, reply, i = {}, {}, 5
  while ARGV[i] do
    local digests = {name = 'authors', unpack(ARGV, i + 1, i + tonumber(ARGV[i]))}
    authors[#authors + 1], i = {need = 1, groups = {digests}}, i + 1 + #digests
  end
  for _, query in ipairs(authors) do
    local counts = {0, 0}
    visit_site(site, query, one .. other, '', BUDGET / #authors, function(_, _, letter)
      local group = string.find(one, letter, 1, true) and 1 or 2
      counts[group] = math.min(counts[group] + 1, most)
      return counts[1] == most and counts[2] == most
    end, STANDING_BLOCKS)
    reply[#reply + 1], reply[#reply + 2] = counts[1], counts[2]
  end
  return reply
end, {'no-writes'})
