// SPDX-License-Identifier: Apache-2.0

/// What a process that runs other people's code gets of the server's own environment: a short list, and nothing that is secret by habit.
public enum ChildEnvironment {
    /// What programs need to find their files, their language, their time and the way to the network.
    private static let names: Set<String> = [
        "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TEMP", "TMP", "HOSTNAME",
        "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
        "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy",
        "XDG_CACHE_HOME", "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "MALLOC_ARENA_MAX",
    ]
    private static let prefixes = ["LC_"]
    /// What installers of Python packages need beside that: indexes, which may hold passwords, and caches.
    private static let installers = ["PIP_", "UV_"]
    /// The variable that names more of them.
    public static let setting = "GYRE_TASK_VARIABLES"

    /// What is kept of `all` for code of others.
    public static func kept(of all: [String: String], forInstaller: Bool = false) -> [String: String] {
        let also = Set((all[setting] ?? "").split(separator: ",").map { String($0.filter { $0 != " " }) })
        let prefixes = forInstaller ? prefixes + installers : prefixes
        return all.filter { name, _ in
            names.contains(name) || also.contains(name) || prefixes.contains { name.hasPrefix($0) }
        }
    }
}
