-- Sends the bodies of the file that WRK_BODIES names, one a line, in turn.
local bodies = {}
for line in io.lines(os.getenv("WRK_BODIES")) do
  bodies[#bodies + 1] = line
end
local headers = { ["content-type"] = "application/json" }
local sent = 0

request = function()
  sent = sent + 1
  return wrk.format("POST", nil, headers, bodies[sent % #bodies + 1])
end
