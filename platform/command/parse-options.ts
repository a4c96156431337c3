import { InvalidArgumentError } from 'commander'

/** Parsers of command-line options: commander shows what is wrong beside the option's name. */
export function parsePositive(text: string): number {
  const value = Number(text)
  if (!(value > 0) || !Number.isFinite(value)) throw new InvalidArgumentError('must be a number above 0.')
  return value
}

/**
 * A parser of whole numbers within bounds, both included; without `to` there is no upper one.
 *
 * @example
 * ```ts
 * import { wholeNumber } from './parse-options.ts'
 *
 * const parseRounds = wholeNumber({ from: 1, to: 10 })
 * parseRounds('3') // => 3
 * ```
 */
export function wholeNumber({ from, to = Infinity }: { from: number; to?: number }): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (text.trim() === '' || !Number.isInteger(value) || value < from || value > to)
      throw new InvalidArgumentError(`must be a whole number from ${from} ${to === Infinity ? 'on' : `to ${to}`}.`)
    return value
  }
}

export const parseCount = wholeNumber({ from: 1 })

/** Parses an HTTP URL and leaves out a slash at its end. */
export function parseUrl(text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) throw new InvalidArgumentError('must be as http://127.0.0.1:8080.')
  return text.replace(/\/$/, '')
}

export function parseDay(text: string): string {
  const time = Date.parse(`${text}T00:00:00Z`)
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text) || Number.isNaN(time) || new Date(time).toISOString().slice(0, 10) !== text)
    throw new InvalidArgumentError('write it as 2001-06-04.')
  return text
}
