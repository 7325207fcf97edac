// The one door to the view library: a new version changes one name here.

export { html, render, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "../vendor/htm-preact-3.1.1.module.js";
