/** The model: ONNX Runtime in WebAssembly, from files that the page carries in itself. */

import { RuntimeFailure } from "errors";

/**
 * @typedef {object} ModelOutputs
 * @property {Float32Array} logits
 * @property {Float32Array} features
 * @property {{rows: number, columns: number, values: Float32Array}|null} maps what speaks for each class at each position
 */

/**
 * Start the runtime.
 * @param {{script: Uint8Array, wasm: Uint8Array}} files
 * @returns {Promise<object>} the module of ONNX Runtime
 */
export async function startRuntime({ script, wasm }) {
  const address = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  try {
    const runtime = await import(address);
    runtime.env.wasm.wasmBinary = wasm;
    runtime.env.wasm.numThreads = 1; // threads need headers that a file on disk cannot have
    runtime.env.wasm.proxy = false;
    runtime.env.logLevel = "error";
    return runtime;
  } catch (error) {
    throw new RuntimeFailure(
      `This browser cannot start the model's runtime (${describe(error)}). Use a current Chrome, Edge, Firefox or Safari.`,
    );
  } finally {
    URL.revokeObjectURL(address);
  }
}

/** A model that is ready to run. */
export class Model {
  /**
   * Load a model.
   * @param {object} runtime from `startRuntime`
   * @param {Uint8Array} bytes the ONNX file
   * @param {object} parameters of the detector
   * @returns {Promise<Model>}
   */
  static async load(runtime, bytes, parameters) {
    try {
      const session = await runtime.InferenceSession.create(bytes, { executionProviders: ["wasm"] });
      return new Model(runtime, session, parameters);
    } catch (error) {
      throw new RuntimeFailure(`This browser cannot load the model (${describe(error)}). Close other pages, and try again.`);
    }
  }

  constructor(runtime, session, parameters) {
    this.runtime = runtime;
    this.session = session;
    this.parameters = parameters;
  }

  /**
   * Run the model on one image.
   * @param {Uint8ClampedArray} pixels RGB at the model's size
   * @returns {Promise<ModelOutputs>}
   */
  async run(pixels) {
    const { input, image_size: size, has_class_maps: hasMaps } = this.parameters;
    const data = input.type === "uint8" ? Uint8Array.from(pixels) : Float32Array.from(pixels);
    const feeds = { [input.name]: new this.runtime.Tensor(input.type, data, [1, ...size, 3]) };
    let found;
    try {
      found = await this.session.run(feeds, ["logits", "features", ...(hasMaps ? ["class_maps"] : [])]);
    } catch (error) {
      throw new RuntimeFailure(`The model stopped (${describe(error)}). Close other pages, load this one again, and try again.`);
    }
    const maps = found.class_maps;
    return {
      logits: Float32Array.from(found.logits.data),
      features: Float32Array.from(found.features.data),
      maps: maps ? { rows: maps.dims[1], columns: maps.dims[2], values: Float32Array.from(maps.data) } : null,
    };
  }
}

function describe(error) {
  return String(error?.message ?? error).slice(0, 200);
}
