import { InvalidArgumentError, Option } from 'commander'

export const projectOption = () => new Option('--project <dir>', 'the project folder').env('HINDSIGHT_PROJECT_DIR').default('models')

export const dataDirOption = () =>
  new Option('--data-dir <dir>', 'where the outbox, the online store and the embedded warehouse live')
    .env('HINDSIGHT_DATA_DIR')
    .default('.hindsight')

export const portOption = () =>
  new Option('--port <number>', 'port of the public HTTP API; 0 takes a free one').env('HINDSIGHT_PORT').default(8080).argParser(parsePort)

export const jsonOption = () => new Option('--json', 'print JSON')

function parsePort(text: string): number {
  const port = Number(text)
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new InvalidArgumentError('a port is a whole number from 0 to 65535.')
  return port
}

export function parseDays(text: string): number {
  const days = Number(text)
  if (!Number.isInteger(days) || days < 1) throw new InvalidArgumentError('a number of days is a whole number from 1 on.')
  return days
}

export function parseHours(text: string): number {
  const hours = Number(text)
  if (!Number.isInteger(hours) || hours < 1) throw new InvalidArgumentError('a number of hours is a whole number from 1 on.')
  return hours
}

export function parseDay(text: string): string {
  const time = Date.parse(`${text}T00:00:00Z`)
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text) || Number.isNaN(time) || new Date(time).toISOString().slice(0, 10) !== text)
    throw new InvalidArgumentError('a day is written as 2001-06-04.')
  return text
}
