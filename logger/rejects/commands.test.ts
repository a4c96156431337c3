import { Command } from 'commander'
import { expect, test } from 'vitest'
import { registerRejectsCommand } from './commands.ts'

async function run(...args: string[]): Promise<void> {
  const program = new Command()
  registerRejectsCommand(program)
  for (const command of [program, ...program.commands, ...program.commands.flatMap((parent) => parent.commands)])
    command.exitOverride().configureOutput({ writeErr: () => undefined })
  await program.parseAsync(['node', 'hindsight', 'rejects', ...args])
}

test.each([
  ['nothing to retry is named', ['retry'], 'invalid_request'],
  ['both ids and a code are', ['retry', 'w/1/labels/1', '--code', 'out_of_range'], 'invalid_request'],
  ['a filter goes with ids, which it would not change', ['retry', 'w/1/labels/1', '--since', '2h'], 'invalid_request'],
  ['a time is no time', ['list', '--since', 'yesterday'], 'commander.invalidArgument'],
  ['there is no such lane', ['list', '--lane', 'events'], 'commander.invalidArgument'],
  ['a limit is no number from 1 on', ['list', '--limit', '0'], 'commander.invalidArgument'],
])('refuses when %s', async (_why, args, code) => {
  await expect(run(...args)).rejects.toMatchObject({ code })
})
