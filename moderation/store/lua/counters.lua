-- Counters: of all comments, and of a site on a UTC day.

-- Add to a counter: at once, or to *sums* (key -> field -> sum) where a function goes through many
-- comments; that one begins with sums = {} and ends with add_all_up() of postings.lua.
local function add(key, field, by)
  if not sums then return call('HINCRBY', key, field, by) end
  local fields = sums[key] or {}
  fields[field] = (fields[field] or 0) + by
  sums[key] = fields
end

local function lasts(key) call('EXPIRE', key, 400 * 86400) end

local function add_up()
  for key, fields in pairs(sums) do
    for field, by in pairs(fields) do call('HINCRBY', key, field, by) end
    if key ~= counts_key() then lasts(key) end
  end
  sums = nil
end

local function count(site, status, by)
  add(counts_key(), status, by)
  add(counts_key(), site .. ':' .. status, by)
end

local function tally(site, day, field, by)
  if field == '' then return end
  local key = daily_key(site, day)
  add(key, field, by)
  if not sums then lasts(key) end
end
