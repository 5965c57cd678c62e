// The order of the suites: those that mostly wait come first, so that the others run beside them.
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Folders whose suites take longest, longest first. */
const long = ['test/conformance/', 'test/e2e/', 'test/http/mirrors', 'test/volumes/archive'];

const rank = ({ moduleId }: TestSpecification): number => {
  const place = long.findIndex((folder) => moduleId.includes(folder));
  return place === -1 ? long.length : place;
};

export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => rank(a) - rank(b));
  }
}
