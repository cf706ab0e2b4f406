// SPDX-License-Identifier: Apache-2.0

internal import GyreBase

/// What makes or holds outputs: a `.dvc` file, or a stage of a `dvc.yaml`.
package struct Stage: Sendable {
    /// Where it is written down.
    package enum Source: Sendable {
        /// A file of its own.
        case metafile(Metafile)
        /// A stage of the `dvc.yaml` at a path.
        case pipeline(PipelineStage)
    }

    /// Where it is written down.
    package var source: Source

    /// What was added or imported by a file of its own.
    package init(_ metafile: Metafile) { source = .metafile(metafile) }

    /// A stage of a pipeline.
    package init(_ stage: PipelineStage) { source = .pipeline(stage) }

    /// The file it is written in, from the root.
    package var file: String {
        switch source {
        case .metafile(let metafile): metafile.path
        case .pipeline(let stage): stage.file
        }
    }

    /// The folder that its paths start from.
    package var folder: String {
        switch source {
        case .metafile(let metafile): metafile.folder
        case .pipeline(let stage): stage.folder
        }
    }

    /// What it makes or holds.
    package var outs: [Output] {
        get {
            switch source {
            case .metafile(let metafile): metafile.outs
            case .pipeline(let stage): stage.outs
            }
        }
        set {
            switch source {
            case .metafile(var metafile):
                metafile.outs = newValue
                source = .metafile(metafile)
            case .pipeline(var stage):
                stage.outs = newValue
                source = .pipeline(stage)
            }
        }
    }

    /// The stage of a pipeline; nil for a file of its own.
    package var pipeline: PipelineStage? { if case .pipeline(let stage) = source { stage } else { nil } }

    /// The file of its own; nil for a stage of a pipeline.
    package var metafile: Metafile? { if case .metafile(let metafile) = source { metafile } else { nil } }

    /// The path of an output, from the root; nil for one that lies elsewhere.
    package func path(of output: Output) -> String? {
        output.path.contains("://") ? nil : Paths.absolute(output.path, from: folder)
    }

    /// As it is named on the command line from a folder: `data.dvc`, `train`, `sub/dvc.yaml:train`.
    package func address(from folder: String) -> String {
        switch source {
        case .metafile(let metafile): return Paths.relative(metafile.path, to: folder)
        case .pipeline(let stage):
            let file = Paths.relative(stage.file, to: folder)
            return file == "dvc.yaml" ? stage.name : "\(file):\(stage.name)"
        }
    }
}
