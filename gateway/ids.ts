import { randomFillSync } from 'node:crypto'
import { v7 } from 'uuid'

const idBytes = 16
const idsPerFill = 256

/** Mints UUIDv7s. Randomness is fetched for many at once: one call to the system per id costs more than the id. */
export function createIdFactory(): () => string {
  const pool = new Uint8Array(idBytes * idsPerFill)
  let used = pool.length
  return function newId() {
    if (used === pool.length) {
      randomFillSync(pool)
      used = 0
    }
    const random = pool.subarray(used, (used += idBytes))
    return v7({ random })
  }
}
