import { randomFillSync } from 'node:crypto'

const randomBytes = 10
const idsPerFill = 256
const variantDigits = Buffer.from('89ab', 'latin1')

/**
 * Mints UUIDv7s (RFC 9562): 48 bits of Unix milliseconds, 74 random ones. A request takes three, and randomness is fetched for many
 * at once, because one call to the system costs more than an id.
 */
export function createIdFactory(): () => string {
  const random = Buffer.alloc(randomBytes * idsPerFill)
  const text = Buffer.from('00000000-0000-7000-8000-000000000000', 'latin1')
  let digits = Buffer.alloc(0)
  let used = random.length
  let textMs = 0

  function writeTime(nowMs: number): void {
    const time = nowMs.toString(16).padStart(12, '0')
    text.write(`${time.slice(0, 8)}-${time.slice(8)}`, 'latin1')
    textMs = nowMs
  }

  return function newId() {
    if (used === random.length) {
      randomFillSync(random)
      digits = Buffer.from(random.toString('hex'), 'latin1')
      used = 0
    }
    const nowMs = Date.now()
    if (nowMs !== textMs) writeTime(nowMs)
    let digit = 2 * used
    for (let at = 15; at < 18; at++) text[at] = digits[digit++] as number
    for (let at = 20; at < 23; at++) text[at] = digits[digit++] as number
    for (let at = 24; at < 36; at++) text[at] = digits[digit++] as number
    // The last random byte decides the variant's digit alone.
    text[19] = variantDigits[(random[used + randomBytes - 1] as number) & 3] as number
    used += randomBytes
    return text.toString('latin1')
  }
}
