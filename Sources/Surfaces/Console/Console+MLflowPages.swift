// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreHTML
internal import GyreHTTP

extension Console {
    /// A file of MLflow's own pages: mlflow's client shows traces in notebooks by a frame that it expects from its server.
    func mlflowPages(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let path = try RelativePath(request.parameter("path"))
        guard let bytes = mlflowFile(path) else {
            throw GyreError(
                .notFound, "There is no file \"\(path.description.prefix(120))\" of MLflow's pages here.",
                why: "They come with the mlflow that set-up installs, and that is not there or has no such file.",
                fix: "make setup")
        }
        return HTTPResponse(
            headers: [
                ("content-type", Self.mediaType(of: path)), ("cache-control", "max-age=3600"),
                ("x-content-type-options", "nosniff"),
                // Notebooks of other addresses show it in a frame. Its script makes functions out of texts, and styles in the page.
                (
                    "content-security-policy",
                    "default-src 'self'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
                        + "img-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:; frame-ancestors *"
                ),
            ], body: .bytes(bytes))
    }

    private static func mediaType(of path: RelativePath) -> String {
        switch path.parts.last?.split(separator: ".").last.map({ $0.lowercased() }) {
        case "html": "text/html; charset=utf-8"
        case "js": "text/javascript; charset=utf-8"
        case "css": "text/css; charset=utf-8"
        case "json", "map": "application/json"
        case "svg": "image/svg+xml"
        case "png": "image/png"
        case "gif": "image/gif"
        case "jpg", "jpeg": "image/jpeg"
        case "ico": "image/x-icon"
        case "woff": "font/woff"
        case "woff2": "font/woff2"
        case "ttf": "font/ttf"
        case "txt": "text/plain; charset=utf-8"
        default: "application/octet-stream"
        }
    }
}
