-- Numbers and postings: how comments are found by status, author and word. A site numbers its comments
-- from 0, in the order in which they come. BLOCK numbers are a block, which has one string of ids, a
-- bitmap for each status, and two indexes: of authors (8 bytes of a keyed hash) and of words (4 bytes).
-- An entry leads to numbers within the block, ascending, two bytes each: in the index itself, or in a
-- separate string ('+'). A word of more than COMMON comments of a block leads nowhere ('*').

local BLOCK = 65536
local INLINE = 256                    -- bytes of numbers that stand in the index itself
local COMMON = 4096

local function block_of(n) return math.floor(n / BLOCK) end

local function numbered(site) return tonumber(call('HGET', counts_key(), site .. ':numbered') or 0) end

-- Say whether a comment has that status: at once, or with add_up() where many are counted.
local function stand(site, n, letter, bit)
  local key = standing_key(site, block_of(n) .. ':' .. letter)
  if not sums then return call('SETBIT', key, n % BLOCK, bit) end
  bits[key] = bits[key] or {}
  local operations = bits[key]
  operations[#operations + 1] = 'SET'
  operations[#operations + 1] = 'u1'
  operations[#operations + 1] = n % BLOCK
  operations[#operations + 1] = bit
  if #operations == 4000 then         -- Lua unpacks only some thousands
    call('BITFIELD', key, unpack(operations))
    bits[key] = {}
  end
end

-- Give a new comment its number: at once, or with add_up().
local function number(id, site)
  if sums then
    local new = fresh[site] or {first = numbered(site)}
    fresh[site] = new
    new[#new + 1] = id
    return new.first + #new - 1
  end
  local n = call('HINCRBY', counts_key(), site .. ':numbered', 1) - 1
  call('SETRANGE', numbered_key(site, block_of(n)), n % BLOCK * 22, id)
  return n
end

local function add_all_up()           -- what add_up() says, and what stands in blocks
  for key, operations in pairs(bits) do
    if #operations > 0 then call('BITFIELD', key, unpack(operations)) end
  end
  for site, new in pairs(fresh) do
    call('HINCRBY', counts_key(), site .. ':numbered', #new)
    local from = 1
    while from <= #new do             -- a block at a time
      local n = new.first + from - 1
      local to = math.min(#new, from + BLOCK - 1 - n % BLOCK)
      call('SETRANGE', numbered_key(site, block_of(n)), n % BLOCK * 22, table.concat(new, '', from, to))
      from = to + 1
    end
  end
  bits, fresh = {}, {}
  add_up()
end

local function is_indexed(site, n)              -- whether the words of a comment are in the index
  return n < tonumber(call('HGET', counts_key(), site .. ':indexed') or 0)
end

local function two(at) return string.char(math.floor(at / 256), at % 256) end

local function at_in(list, place)               -- a number of a list, by its place from 0
  local high, low = string.byte(list, 2 * place + 1, 2 * place + 2)
  return high * 256 + low
end

local function place_of(list, at)               -- of the first number that is at least *at*
  local low, high = 0, #list / 2
  if high == 0 or at_in(list, high - 1) < at then return high end
  while low < high do
    local middle = math.floor((low + high) / 2)
    if at_in(list, middle) < at then low = middle + 1 else high = middle end
  end
  return low
end

local function has(list, at)
  local place = place_of(list, at)
  return 2 * place < #list and at_in(list, place) == at
end

local function hex(field)
  return (string.gsub(field, '.', function(byte) return string.format('%02x', string.byte(byte)) end))
end

local function index_in(site, n, name) return index_of(site .. ':' .. block_of(n), name) end

-- Add a number to an entry; *bounded*: an entry of very many leads nowhere.
local function post(index, entry, at, bounded)
  local key = bucket_of(index, entry)
  if call('HSETNX', key, entry, two(at)) == 1 then return resize(index, 1) end
  local list = call('HGET', key, entry)
  if list == '*' then return end
  local own = list == '+' and posted_key(index.site, hex(entry))
  if own then
    if at_in(call('GETRANGE', own, -2, -1), 0) < at then
      local size = call('APPEND', own, two(at))
      if bounded and size > 2 * COMMON then
        call('DEL', own)
        call('HSET', key, entry, '*')
      end
      return
    end
    list = call('GET', own)
  end
  if has(list, at) then return end
  local place = place_of(list, at)
  list = string.sub(list, 1, 2 * place) .. two(at) .. string.sub(list, 2 * place + 1)
  if own then call('SET', own, list)
  elseif #list <= INLINE then call('HSET', key, entry, list)
  else
    call('SET', posted_key(index.site, hex(entry)), list)
    call('HSET', key, entry, '+')
  end
end

local function unpost(index, entry, at)
  local list = find(index, entry)
  if not list or list == '*' then return end
  local own = list == '+' and posted_key(index.site, hex(entry))
  if own then list = call('GET', own) end
  if not has(list, at) then return end
  local place = place_of(list, at)
  list = string.sub(list, 1, 2 * place) .. string.sub(list, 2 * place + 3)
  if list == '' then
    if own then call('DEL', own) end
    drop(index, entry)
  elseif own then call('SET', own, list)
  else call('HSET', bucket_of(index, entry), entry, list) end
end

-- Authors: a comment keeps the entries under which it is found, so that no key is needed to drop them.

local function index_authors(site, n, whos)     -- *whos*: entries, joined
  for at = 1, #whos, 8 do
    post(index_in(site, n, 'authors'), string.sub(whos, at, at + 7), n % BLOCK)
  end
end

local function name_authors(c, whos)            -- those that the comment is not found under yet
  local named = call('HGET', comment_key(c.id), 'a') or ''
  for at = 1, #whos, 8 do
    local who, new = string.sub(whos, at, at + 7), true
    for other = 1, #named, 8 do new = new and string.sub(named, other, other + 7) ~= who end
    if new then
      named = named .. who
      call('HSET', comment_key(c.id), 'a', named)
      index_authors(c.site, c.n, who)
    end
  end
end

local function unname_authors(c)
  local named = call('HGET', comment_key(c.id), 'a') or ''
  for at = 1, #named, 8 do
    unpost(index_in(c.site, c.n, 'authors'), string.sub(named, at, at + 7), c.n % BLOCK)
  end
  call('HDEL', comment_key(c.id), 'a')
end

local function index_words(site, n, words)      -- *words*: entries, joined
  local index = index_in(site, n, 'words')
  for at = 1, #words, 4 do post(index, string.sub(words, at, at + 3), n % BLOCK, true) end
end

local function unindex_words(c, words)          -- of a text that goes, if they are indexed
  if not is_indexed(c.site, c.n) then return end
  local index = index_in(c.site, c.n, 'words')
  for at = 1, #words, 4 do unpost(index, string.sub(words, at, at + 3), c.n % BLOCK) end
end

-- Take a comment that goes for good off its block, and let go of a block whose last comment went.
local function unnumber(c)
  local block = block_of(c.n)
  local part = c.site .. ':' .. block
  call('SETRANGE', numbered_key(c.site, block), c.n % BLOCK * 22, string.rep('\0', 22))
  for _, letter in pairs({'p', 'a', 'f', 'r', 's'}) do stand(c.site, c.n, letter, 0) end
  local gone = call('HINCRBY', counts_key(), part .. ':gone', 1)
  if gone < math.min(BLOCK, numbered(c.site) - block * BLOCK) then return end
  call('DEL', numbered_key(c.site, block))
  for _, letter in pairs({'p', 'a', 'f', 'r', 's'}) do call('DEL', standing_key(part, letter)) end
  for _, name in pairs({'words', 'authors'}) do      -- what is left of them: words of too many
    local index = index_of(part, name)
    for bucket = 0, index.buckets - 1 do call('DEL', index.key_of(index.site, bucket)) end
    call('HDEL', counts_key(), index.field, index.field .. ':buckets')
    indexes[index.field] = nil
  end
end

-- INDEX: add the words of comments to their site's index, in the order of their numbers.
-- KEYS: tag. ARGV: site, the first number, ids and digests of the comments, joined (22 and 12 bytes each, zeros for
-- a comment without a text), then for each word its entry and the numbers within the block, joined.
-- Returns the first number that is not indexed: that of the first comment still, when it is another
-- by now or a text was edited or erased meanwhile; then the caller reads again.
-- Atomic so that no words are found of a text that was edited or erased meanwhile.
register('index', function()
  local site, first, ids, digests = unpack(ARGV, 1, 4)
  local n, count = tonumber(call('HGET', counts_key(), site .. ':indexed') or 0), #ids / 22
  if n ~= tonumber(first) then return n end
  for i = 0, count - 1 do
    local digest = string.sub(digests, 12 * i + 1, 12 * i + 12)
    if digest ~= string.rep('\0', 12) then
      local key = comment_key(string.sub(ids, 22 * i + 1, 22 * i + 22))
      if call('HGET', key, 'g') ~= digest or call('HEXISTS', key, 'd') == 0 then return n end
    end
  end
  local index, buckets, new = index_in(site, n, 'words'), {}, 0
  for i = 5, #ARGV, 2 do              -- the words of a bucket are read and written at once
    local key = bucket_of(index, ARGV[i])
    local bucket = buckets[key] or {}
    buckets[key] = bucket
    bucket[#bucket + 1], bucket[-#bucket - 1] = ARGV[i], ARGV[i + 1]
  end
  for key, bucket in pairs(buckets) do
    local lists, write = call('HMGET', key, unpack(bucket)), {}
    for i, entry in ipairs(bucket) do
      local list, more = lists[i], bucket[-i]
      if not list then new = new + 1 end
      if list == '+' then
        local own = posted_key(index.site, hex(entry))
        if call('APPEND', own, more) > 2 * COMMON then
          call('DEL', own)
          write[#write + 1], write[#write + 2] = entry, '*'
        end
      elseif list ~= '*' then
        list = (list or '') .. more
        if #list > INLINE then
          call('SET', posted_key(index.site, hex(entry)), list)
          list = '+'
        end
        write[#write + 1], write[#write + 2] = entry, list
      end
    end
    if #write > 0 then call('HSET', key, unpack(write)) end
  end
  if new > 0 then resize(index, new) end
  call('HSET', counts_key(), site .. ':indexed', n + count)
  return n + count
end)
