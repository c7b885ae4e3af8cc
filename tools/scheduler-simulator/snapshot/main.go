package main
import _ "sigs.k8s.io/kube-scheduler-simulator/simulator/snapshot"
func main(){}
