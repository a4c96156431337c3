import { InvalidArgumentError } from 'commander'

/** Parsers of command-line options: commander shows what is wrong beside the option's name. */
export function parsePositive(text: string): number {
  const value = Number(text)
  if (!(value > 0) || !Number.isFinite(value)) throw new InvalidArgumentError('must be a number above 0.')
  return value
}

export function parseCount(text: string): number {
  const value = parsePositive(text)
  if (!Number.isInteger(value)) throw new InvalidArgumentError('must be a whole number.')
  return value
}

/** Without a slash at its end. */
export function parseUrl(text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) throw new InvalidArgumentError('must be as http://127.0.0.1:8080.')
  return text.replace(/\/$/, '')
}
