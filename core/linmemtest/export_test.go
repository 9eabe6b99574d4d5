package linmemtest

const RaceDetector = raceDetector
