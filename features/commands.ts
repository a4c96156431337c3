import type { Command } from 'commander'
import { v7 } from 'uuid'
import { z } from 'zod'
import { type CommandOptions, dataDirOption, jsonOption, servedProjectOption } from '../platform/command/options.ts'
import { print } from '../platform/command/output.ts'
import { withWarehouse } from '../platform/command/with-warehouse.ts'
import { onlineStoreConfigFields } from '../platform/online-store/open-online-store.ts'
import { loadProject } from '../platform/project/load-project.ts'
import { loadConfig } from '../platform/service/common-config.ts'
import { readRunFile } from '../platform/service/run-files.ts'
import { servedProjectDir } from '../platform/service/served-project.ts'
import { measureSkew } from './offline/skew.ts'
import { toSkewText } from './offline/skew-text.ts'
import { rebuildStore } from './rebuild-store.ts'

type Options = CommandOptions & { project?: string }
type SkewCommandOptions = Options & { anchorFrom: string; anchorTo: string }

/** Adds `skew` and `rebuild`. */
export function registerCommands(program: Command): void {
  withCommonOptions(
    program.command('skew <model>').description('recompute what was served, and compare; exit 1 when the same events give another value'),
  )
    .option('--anchor-from <time>', 'earliest anchor time, inclusive', '1901-01-01T00:00:00Z')
    .option('--anchor-to <time>', 'latest anchor time, exclusive', '2299-12-31T00:00:00Z')
    .action(async (model: string, options: SkewCommandOptions) => {
      const { anchorFrom, anchorTo } = options
      const project = await loadProject(await servedProjectDir(options))
      const report = await withWarehouse(options, (warehouse) => measureSkew({ warehouse, project, model, anchorFrom, anchorTo }))
      print(options, report, toSkewText)
      if (report.unexplained > 0) process.exitCode = 1
    })
  withCommonOptions(program.command('rebuild').description('empty the online store and load it again from the warehouse')).action(
    async (options: Options) => {
      const isRunning = readRunFile(options.dataDir, 'features') !== undefined
      const onProgress = (facts: number) => void (process.stderr.isTTY && process.stderr.write(`\r${facts} feature events`))
      const projectDir = await servedProjectDir(options)
      const facts = await withWarehouse(options, (warehouse) =>
        rebuildStore({
          warehouse,
          projectDir,
          storeConfig: { ...loadConfig(z.object(onlineStoreConfigFields), process.env), HINDSIGHT_DATA_DIR: options.dataDir },
          isRunning,
          id: v7(),
          onProgress,
        }),
      )
      if (process.stderr.isTTY) process.stderr.write('\r')
      print(options, { facts }, () => `The online store holds ${facts} feature events again.`)
    },
  )
}

function withCommonOptions(command: Command): Command {
  return command.addOption(dataDirOption()).addOption(servedProjectOption()).addOption(jsonOption())
}
