// The Lua that runs before a script: it makes of fengari's 5.3 what Redis has.

/** What Lua 5.1 has and 5.3 has not, what Redis takes away, and no globals but Redis's. */
export const PRELUDE = `
  unpack = table.unpack; loadstring = load; table.unpack = nil; table.pack = nil
  table.getn = function(t) return #t end
  math.pow = function(a, b) return a ^ b end
  math.log10 = function(x) return math.log(x, 10) end
  dofile = nil; loadfile = nil; print = nil
  local asText, protected, format = tostring, pcall, string.format
  tostring = function(value)
    if type(value) == 'number' then return value .. '' end
    return asText(value)
  end
  -- Redis hands what redis.call raised to pcall as its text.
  pcall = function(...)
    local result = {protected(...)}
    if not result[1] and type(result[2]) == 'table' and result[2].err then return false, result[2].err end
    return unpack(result, 1, select('#', unpack(result)))
  end
  -- Its integers are 32 bits wide: a larger one is printed as a number without a fraction.
  string.format = function(pattern, ...)
    local values, at = {...}, 0
    pattern = pattern:gsub('%%([-+ #0]*%d*)(%.?%d*)([%a%%])', function(flags, precision, kind)
      if kind == '%' then return end
      at = at + 1
      local value = tonumber(values[at])
      if (kind == 'd' or kind == 'i') and precision == '' and value then
        values[at] = value < 0 and math.ceil(value) or math.floor(value)
        return '%' .. flags .. '.0f'
      end
    end)
    return format(pattern, unpack(values, 1, select('#', ...)))
  end
  setmetatable(_G, {
    __index = function(_, name)
      error("Script attempted to access nonexistent global variable '" .. tostring(name) .. "'", 2)
    end,
    __newindex = function() error("Attempt to modify a readonly table", 2) end,
  })
`
