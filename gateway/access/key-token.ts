import { hash, randomBytes } from 'node:crypto'

const tokenPattern = /^hs_([a-z0-9]{12})_[A-Za-z0-9_-]{43}$/
const idAlphabet = 'abcdefghijkmnpqrstuvwxyz23456789'
const secretBytes = 32

/** A key's id: not secret, fit to be shown and logged. */
export function newKeyId(): string {
  return Array.from(randomBytes(12), (byte) => idAlphabet[byte % idAlphabet.length]).join('')
}

/** `hs_<key id>_<256 random bits>`: what the client sends. */
export function newToken(keyId: string): string {
  return `hs_${keyId}_${randomBytes(secretBytes).toString('base64url')}`
}

/** The id of the key that a token is of; undefined when it is none of ours. */
export function keyIdOf(token: string): string | undefined {
  return tokenPattern.exec(token)?.[1]
}

/** SHA-256 of the whole token. */
export function digestOf(token: string): Buffer {
  return hash('sha256', token, 'buffer')
}
