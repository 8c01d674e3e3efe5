-- How full streams are, and how far their groups.
-- ARGV: streams
-- Returns: for each { type, entries, first id or '', last id ever, groups as { name, consumers,
--          pending, id delivered last, entries not delivered or -1 if the server does not know,
--          lowest pending id or '' } }.
local found = {}
for at, stream in ipairs(ARGV) do
  local kind = redis.call('TYPE', stream).ok
  if kind ~= 'stream' then
    found[at] = { kind, 0, '', '', {} }
  else
    local facts, groups = {}, {}
    local flat = redis.call('XINFO', 'STREAM', stream)
    for place = 1, #flat, 2 do
      facts[flat[place]] = flat[place + 1]
    end
    for number, group in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
      local said = {}
      for place = 1, #group, 2 do
        said[group[place]] = group[place + 1]
      end
      local lowest = said.pending > 0 and redis.call('XPENDING', stream, said.name)[2]
      groups[number] = { said.name, said.consumers, said.pending, said['last-delivered-id'],
        said.lag or -1, lowest or '' }
    end
    local first = facts['first-entry']
    found[at] = { kind, facts.length, first and first[1] or '', facts['last-generated-id'], groups }
  end
end
return found
