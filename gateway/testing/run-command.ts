import { Command } from 'commander'
import { vi } from 'vitest'
import { registerCommands } from '../commands.ts'

/** What `hindsight ARGS` prints. */
export async function runCommand(...args: string[]): Promise<string> {
  let output = ''
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((output += String(text)), true))
  const program = new Command().exitOverride()
  registerCommands(program)
  try {
    await program.parseAsync(args, { from: 'user' })
  } finally {
    write.mockRestore()
  }
  return output
}
