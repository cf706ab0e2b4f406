// SPDX-License-Identifier: Apache-2.0

internal import Dispatch
package import GyreBase
package import GyreServing

extension Predictor {
    /// What a service said, and which version of it.
    package struct Exchanged: Sendable {
        /// The request's id, by which labels find it.
        package let id: String
        /// The version that answered.
        package let version: Int
        /// The answer, for the client.
        package let answer: HTTPModelAnswer
    }

    /// Passes a call on to the service behind an endpoint, and records, counts and mirrors it as a prediction.
    ///
    /// An answer that says that the service failed is the client's, and counts as a failure. Calls that only read, as of documents and of
    /// tasks' results, are passed on and are no predictions.
    package func exchange(_ request: Request, _ call: HTTPModelCall) async throws(GyreError) -> Exchanged {
        var request = request
        request.call = call
        request.id = request.id ?? surroundings.newID()
        let direction = direct(request)
        let started = surroundings.now()
        let hosted = try await summon(request, direction, started)
        if call.method == "GET" || call.method == "HEAD" {
            return Exchanged(id: request.id ?? "", version: hosted.number, answer: try await hosted.exchange(call))
        }
        let answer: ServiceAnswer
        do throws(GyreError) {
            let began = DispatchTime.now().uptimeNanoseconds
            let head = try await hosted.exchange(call)
            answer = try await ServiceAnswer(head, nanoseconds: DispatchTime.now().uptimeNanoseconds - began)
        } catch {
            try finish(request, hosted, direction, started, failing: error)
            throw error
        }
        if let failure = answer.failure {
            try finish(request, hosted, direction, started, failing: failure)
        } else {
            try finish(request, hosted, direction, started, try answer.judged())
        }
        return Exchanged(id: request.id ?? "", version: hosted.number, answer: answer.answer)
    }
}
