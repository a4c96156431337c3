/**
 * What Node.js is started with to run the project's TypeScript: nothing where it runs TypeScript itself, else tsx. Without tsx, whose
 * compiler gives each function its name again whenever it is made, a gateway answers a third more.
 */
export function typescriptArgs(): string[] {
  // Not in the types of the oldest Node.js that is supported.
  const { typescript = false } = process.features as { typescript?: string | false }
  return typescript !== false ? [] : ['--import', import.meta.resolve('tsx')]
}
