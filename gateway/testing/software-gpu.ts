import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe } from 'vitest'

/** The folder where Debian's chromium has SwiftShader, a Vulkan driver that computes on the CPU, and the library that loads drivers. */
const chromium = '/usr/lib/chromium'
export const softwareGpuDriver = join(chromium, 'vk_swiftshader_icd.json')

const { runIf } = describe

/** Describes tests that are skipped without the driver, which test/testing/install-servers.ts installs before the tests, or fails. */
export const describeWithGpu = runIf(existsSync(softwareGpuDriver))

/** The environment of a process that is to find this driver and no other. */
export const softwareGpu = { LD_LIBRARY_PATH: chromium, VK_DRIVER_FILES: softwareGpuDriver }

/** The environment of a process that is to find no driver. */
export const noGpu = { LD_LIBRARY_PATH: chromium, VK_DRIVER_FILES: '/nonexistent' }
