import { open } from 'node:fs/promises'

/** Functions of values as clients write them for types that have no literal. */
const harmless =
  /^(array|tuple|map|now|now64|today|yesterday|uuidstringtonum|touuid|to(date|date32|datetime|datetime64|decimal(32|64|128|256)|u?int(8|16|32|64|128|256)|float(32|64)|string|ipv4|ipv6|fixedstring)|fromunixtimestamp(64(second|milli|micro|nano))?|unhex|cast|toascii|plus|minus|negate)$/i

const quoted = /'(?:[^'\\]|\\[\s\S]|'')*'/g

/**
 * Whether the expressions among the rows of a VALUES may be computed: only when they are values, numbers and calls of harmless
 * functions. Otherwise the engine takes literals alone. Text that could hide in comments, heredocs or other quotes is never
 * harmless.
 */
export function mayCompute(rows: string): boolean {
  const bare = rows.replace(quoted, '0')
  if (/['"`‘’“”$#\\]|--|\/\/|\/\*|\b(select|with|from|exists)\b/i.test(bare)) return false
  return [...bare.matchAll(/(?<![\p{L}\p{N}_.])([\p{L}\p{N}_.]+)\s*\(/gu)].every(([, name]) => harmless.test(name ?? ''))
}

/** Whether the expressions among the rows in a file may be computed; never in a file longer than `maxBytes`, which is not read. */
export async function fileMayCompute(path: string, maxBytes: number): Promise<boolean> {
  const file = await open(path)
  try {
    const { size } = await file.stat()
    if (size > maxBytes) return false
    return mayCompute(await file.readFile('utf8'))
  } finally {
    await file.close()
  }
}
