/** The invariants, by their numbers in the README of this folder. */
export const invariants = {
  1: 'what was answered is stored or rejected',
  2: 'one visible row per id',
  3: 'the row is what the client saw',
  4: 'seals match',
  5: 'what is stored was attempted',
  6: 'while a sink is down, 99 of 100 predictions are answered within their budget',
  7: 'outbox, streams and consumers come back to nothing pending',
  8: 'the ledger says of each prediction what its client saw',
} as const
export type Invariant = keyof typeof invariants

export type Violation = {
  invariant: Invariant
  /** An id of a client, or a place such as `gateway-0/3/labels`. */
  id: string
  detail: string
}

export function lost(id: string, detail: string): Violation {
  return { invariant: 1, id, detail }
}

export function doubled(id: string, detail: string): Violation {
  return { invariant: 2, id, detail }
}

export function altered(id: string, detail: string): Violation {
  return { invariant: 3, id, detail }
}

export function unsealed(id: string, detail: string): Violation {
  return { invariant: 4, id, detail }
}

export function misjudged(id: string, detail: string): Violation {
  return { invariant: 8, id, detail }
}

export function unattempted(id: string, detail: string): Violation {
  return { invariant: 5, id, detail }
}
