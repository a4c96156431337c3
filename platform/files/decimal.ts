/** The double nearest to `unscaled` / 10^`scale`: through text, because a division or product of doubles rounds twice. */
export function toNearestDouble(unscaled: bigint | number, scale: number): number {
  return Number(`${unscaled}e${-scale}`)
}

/** A signed big-endian integer of any length. */
export function toBigInt(bytes: Uint8Array): bigint {
  if (bytes.length === 0) return 0n
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${Buffer.from(bytes).toString('hex')}`))
}
