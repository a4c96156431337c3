/** The arguments that let Node.js run the project's TypeScript, wherever it is started from. */
export const typescriptArgs: readonly string[] = [`--import=${import.meta.resolve('#typescript')}`]
