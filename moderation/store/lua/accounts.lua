-- Accounts: sites, keys, tokens, moderators and endpoints, in hashes of JSON.

-- CHANGE: write only if certain fields are as expected.
-- KEYS: tag. ARGV: JSON {"if": [[hash, field, allowed value...]...], "do": [[command...]...]}.
-- An allowed value of '' stands for an absent field, '*' for any that is there.
-- Returns 0, or the number of the first condition that does not hold; then nothing was written.
-- Atomic so that a name is given once and no change is built on one that it has not seen. Sent
-- twice it does nothing new, since callers also allow the values that it writes.
register('change', function()
  local plan = cjson.decode(ARGV[1])
  for number, condition in ipairs(plan['if']) do
    local found, holds = call('HGET', condition[1], condition[2]) or '', false
    for i = 3, #condition do
      holds = holds or found == condition[i] or (condition[i] == '*' and found ~= '')
    end
    if not holds then return number end
  end
  for _, command in ipairs(plan['do']) do call(unpack(command)) end
  return 0
end)
