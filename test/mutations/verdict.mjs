/**
 * What a run of vitest says of a mutation. Only a test that ran and failed shows that a guard was
 * missed: a file that does not load, or a name that is not there, shows that the mutation is no
 * program.
 *
 * @param report - of vitest's JSON reporter; undefined where it has written none
 * @returns {{outcome: 'green' | 'red' | 'BROKEN', why: string}}
 */
export function verdictOf(report) {
  if (!report) return { outcome: 'BROKEN', why: 'vitest has told nothing' };
  const tests = report.testResults.flatMap((file) => file.assertionResults);
  const failed = tests.filter(({ status }) => status === 'failed');
  const said = failed.flatMap((test) => test.failureMessages);
  const noProgram = said.find((text) => /^ReferenceError\b/.test(text));
  if (noProgram) return { outcome: 'BROKEN', why: firstLine(noProgram) };
  if (failed.length > 0) return { outcome: 'red', why: firstLine(said[0] ?? '') };
  if (report.success && tests.some(({ status }) => status === 'passed'))
    return { outcome: 'green', why: '' };
  const unloaded = report.testResults.find(({ message }) => message);
  return { outcome: 'BROKEN', why: firstLine(unloaded?.message ?? 'no test ran') };
}

const firstLine = (text) => text.split('\n')[0].slice(0, 160);
