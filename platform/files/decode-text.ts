import { TextDecoder } from 'node:util'
import { ServiceError } from '../../contracts/errors.ts'

/** Bytes to text, piece by piece; `end` after the last. Both throw `invalid_request` for bytes that are no text in the encoding. */
export type TextPieces = { decode(bytes: Uint8Array): string; end(): string }

/** A decoder of an encoding by its name. A byte order mark is no part of the text. Throws `invalid_config` for an unknown name. */
export function createTextDecoder(encoding = 'utf-8'): TextPieces {
  const name = encoding.toLowerCase()
  if (latin1Names.has(name)) return singleBytes(encoding, (byte) => (isControl(byte) ? undefined : byte))
  if (windows1252Names.has(name)) return singleBytes(encoding, (byte) => (isControl(byte) ? windows1252[byte - 0x80] : byte))
  const decoder = openDecoder(encoding)
  const decode = (bytes: Uint8Array, stream: boolean) => {
    try {
      return decoder.decode(bytes, { stream })
    } catch (cause) {
      throw notThatEncoding(encoding, { cause })
    }
  }
  return { decode: (bytes) => decode(bytes, true), end: () => decode(new Uint8Array(), false) }
}

function openDecoder(encoding: string): TextDecoder {
  try {
    return new TextDecoder(encoding, { fatal: true })
  } catch (cause) {
    throw new ServiceError('invalid_config', `there is no encoding ${encoding}`, {
      cause,
      hint: 'for instance latin1, windows-1252, utf-16le, utf-16be, shift_jis',
    })
  }
}

// TextDecoder takes all of these for windows-1252, and some versions of Node.js then decode it as Latin-1.
const latin1Names = new Set(['latin1', 'latin-1', 'iso-8859-1', 'iso8859-1', 'l1'])
const windows1252Names = new Set(['windows-1252', 'cp1252', 'x-cp1252'])

/** What windows-1252 has at 0x80 to 0x9f, where Latin-1 has control characters; a space where it has nothing. */
const windows1252 = Array.from('€ ‚ƒ„…†‡ˆ‰Š‹Œ Ž  ‘’“”•–—˜™š›œ žŸ', (sign) => (sign === ' ' ? undefined : sign.codePointAt(0)))

function isControl(byte: number): boolean {
  return byte >= 0x80 && byte <= 0x9f
}

function singleBytes(encoding: string, toCodePoint: (byte: number) => number | undefined): TextPieces {
  const special = Array.from({ length: 32 }, (_, at) => toCodePoint(0x80 + at))
  const replace = (character: string) => {
    const point = special[character.charCodeAt(0) - 0x80]
    if (point === undefined) throw notThatEncoding(encoding)
    return String.fromCodePoint(point)
  }
  // oxlint-disable-next-line no-control-regex -- these are the bytes on which the encodings differ.
  return {
    decode: (bytes) =>
      Buffer.from(bytes)
        .toString('latin1')
        .replace(/[\x80-\x9f]/g, replace),
    end: () => '',
  }
}

function notThatEncoding(encoding: string, options: { cause?: unknown } = {}): ServiceError {
  const isUtf8 = /^utf-?8$/i.test(encoding)
  return new ServiceError('invalid_request', `the text is not ${isUtf8 ? 'UTF-8' : encoding}`, {
    ...options,
    hint: isUtf8
      ? 'say what it is with --encoding: latin1, windows-1252, utf-16le, ...'
      : encoding.startsWith('latin') || encoding.startsWith('iso')
        ? 'it may be windows-1252'
        : 'say what it is with --encoding',
  })
}
