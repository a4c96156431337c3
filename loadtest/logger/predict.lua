-- Sends the bodies of the file that WRK_BODIES names, one a line, in turn; each under an Idempotency-Key of its own that begins with WRK_KEYS.
local bodies = {}
for line in io.lines(os.getenv("WRK_BODIES")) do
  bodies[#bodies + 1] = line
end
local headers = { ["content-type"] = "application/json" }
local keys = os.getenv("WRK_KEYS")
local sent = 0

request = function()
  sent = sent + 1
  if keys then headers["idempotency-key"] = keys .. sent end
  return wrk.format("POST", nil, headers, bodies[sent % #bodies + 1])
end
