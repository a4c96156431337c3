import { Option } from 'commander'
import { wholeNumber } from './parse-options.ts'

/** The options that nearly every command takes. */
export type CommandOptions = { dataDir: string; json?: boolean }

export const projectOption = () => new Option('--project <dir>', 'the project folder').env('HINDSIGHT_PROJECT_DIR').default('models')

/** The option of commands that read a served project; where it is left out, `servedProjectDir` finds the project. */
export const servedProjectOption = () =>
  new Option(
    '--project <dir>',
    'the project folder (default: the one that `hindsight up` serves, or served last, on the data directory)',
  ).env('HINDSIGHT_PROJECT_DIR')

export const dataDirOption = () =>
  new Option('--data-dir <dir>', 'where Hindsight keeps its data').env('HINDSIGHT_DATA_DIR').default('.hindsight')

export const portOption = () =>
  new Option('--port <number>', 'port of the public HTTP API; 0 takes a free one')
    .env('HINDSIGHT_PORT')
    .default(8080)
    .argParser(wholeNumber({ from: 0, to: 65_535 }))

export const jsonOption = () => new Option('--json', 'print JSON')
