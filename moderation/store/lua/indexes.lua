-- Indexes: external id -> comment, and author or word -> numbers of comments (postings.lua). Entries
-- are digests. An index is spread over small hashes, which Redis packs tightly, by linear hashing
-- (Litwin, 1980): with more than BUCKET_ENTRIES a bucket, a new bucket takes half of another one's.

-- Buckets of a new index.
local FIRST = 16

local KEY_OF = {externals = external_key, authors = author_key, words = word_key}

-- An index as a table; *whole* is the greatest power of two, times FIRST, that is at most its buckets.
local function index_of(site, name)
  local field = site .. ':' .. name
  if not indexes[field] then
    local size, buckets = unpack(call('HMGET', counts_key(), field, field .. ':buckets'))
    local index = {site = site, key_of = KEY_OF[name], field = field, whole = FIRST}
    index.size, index.buckets = tonumber(size or 0), tonumber(buckets or FIRST)
    while index.whole * 2 <= index.buckets do index.whole = index.whole * 2 end
    indexes[field] = index
  end
  return indexes[field]
end

local function number_in(entry)       -- its first 32 bits
  local a, b, c, d = string.byte(entry, 1, 4)
  return ((a * 256 + b) * 256 + c) * 256 + d
end

local function bucket_of(index, entry)
  local bucket = number_in(entry) % (index.whole * 2)
  if bucket >= index.buckets then bucket = bucket - index.whole end
  return index.key_of(index.site, bucket)
end

local function pour(from, to, moved, gone)
  if #gone == 0 then return end
  call('HSET', to, unpack(moved))
  call('HDEL', from, unpack(gone))
end

local function split(index)           -- add a bucket, with half of the entries of its fellow
  local new = index.buckets
  local from, to = index.key_of(index.site, new - index.whole), index.key_of(index.site, new)
  local all, moved, gone = call('HGETALL', from), {}, {}
  for i = 1, #all, 2 do
    if number_in(all[i]) % (index.whole * 2) == new then
      moved[#moved + 1], moved[#moved + 2], gone[#gone + 1] = all[i], all[i + 1], all[i]
      if #gone == 500 then            -- Lua unpacks only some thousands
        pour(from, to, moved, gone)
        moved, gone = {}, {}
      end
    end
  end
  pour(from, to, moved, gone)
  index.buckets = new + 1
  if index.buckets == index.whole * 2 then index.whole = index.buckets end
  call('HSET', counts_key(), index.field .. ':buckets', index.buckets)
end

local function resize(index, by)      -- count *by* entries more; split while that is too many
  index.size = index.size + by
  add(counts_key(), index.field, by)
  while index.size > index.buckets * BUCKET_ENTRIES do split(index) end
end

local function find(index, entry) return call('HGET', bucket_of(index, entry), entry) end

local function insert(index, entry, value)      -- in the place of an older value
  if call('HSET', bucket_of(index, entry), entry, value) == 1 then resize(index, 1) end
end

local function drop(index, entry)
  if call('HDEL', bucket_of(index, entry), entry) == 1 then resize(index, -1) end
end
